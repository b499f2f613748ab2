from pathlib import Path
from mpf_core import hookimpl, Principal
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.dn import Dn
from mpf_directory.provider import ActiveDirectoryProvider
from mpf_directory.port import Directories
from mpf_directory.sids import sid_to_text
from mpf_directory.filters import Filter
from mpf_directory.port import Scope
import mpf_directory
NS = Path("/work/main/plugins/mpf_directory/namespaces")
BASE = Dn.parse("DC=Fabrikam,DC=Com")
def seed(d):
    def add(dn, cls, **a):
        d.add(dn, {"objectClass": [cls], **{k.replace("_","-"): v if isinstance(v, list) else [v] for k, v in a.items()}})
    from mpf_directory.port import Modification, ModifyOp
    def org(parent, name, parent_org, admin):
        dn = parent.child("OU", name); add(dn, "organizationalUnit")
        p = dn.child("CN", "_Private"); add(p, "container"); s = p.child("CN", "Services"); add(s, "container")
        g = dn.child("CN", f"Admins@{name}"); add(g, "group", groupType="-2147483640")
        owk = [f"B:32:65F37ECB46704F0E9300E1FB48E1096E:{g}", f"B:32:CC016CF08DEF4EA4A05C9C54B198785A:{dn}", f"B:32:3841BDA6D81C4095B9BBB838808F5A55:{s}"]
        if parent_org: owk.append(f"B:32:58888CFC8F7F430C8183102CD5758D81:{parent_org}")
        d.modify(dn, [Modification("otherWellKnownObjects", ModifyOp.REPLACE, tuple(owk))])
        u = dn.child("CN", admin); add(u, "user", userPrincipalName=admin)
        d.modify(g, [Modification("member", ModifyOp.ADD, (str(u),))])
        return dn
    h = org(BASE, "Hosting", None, "admin@hosting.fabrikam.com")
    m = org(h, "ConsolidatedMessenger", h, "admin@consolidatedmessenger.com")
    a = org(m, "AlpineSkiHouse", m, "admin@alpineskihouse.com")
    w = org(h, "WingtipToys", h, "admin@wingtiptoys.com")
    org(w, "LitwareInc", w, "admin@litwareinc.com")
    add(a.child("CN", "Johnc@AlpineSkiHouse.com"), "user", userPrincipalName="johnc@alpineskihouse.com")
    admin = BASE.child("CN","Users").child("CN","Administrator")
    d.modify(admin, [Modification("userPrincipalName", ModifyOp.REPLACE, ("Administrator@fabrikam.com",))])
    da = BASE.child("CN","Users").child("CN","Domain Admins")
    if str(admin) not in d.read(da).values("member"): d.modify(da, [Modification("member", ModifyOp.ADD, (str(admin),))])
    sysm = BASE.child("CN","System").child("CN","Microsoft"); add(sysm, "container")
    rtc = sysm.child("CN","RTC Service"); add(rtc, "msRTCSIP-Service")
    pools = rtc.child("CN","Pools"); add(pools, "msRTCSIP-Pools")
    for n in ("pool01","pool02"):
        p = pools.child("CN", n); add(p, "msRTCSIP-Pool", dNSHostName=f"{n}.fabrikam.com", **{"msRTCSIP_PoolVersion":"3"})
        ms = p.child("CN","Microsoft"); add(ms, "container"); add(ms.child("CN","LC Services"), "msRTCSIP-PoolService")
class D:
    def __init__(self, d): self.d = d
    def open(self, identity, server=None): return self.d
    def service(self): return self.d
class TemporaryDirectoryPlugin:
    name = "mpf.directory"
    def __init__(self, path):
        self.directory = EmbeddedDirectory.create(path, server="AD01.Fabrikam.com", base=BASE)
        seed(self.directory)
    @hookimpl
    def mpf_configure(self, settings, services):
        services.provide(Directories, D(self.directory))
        self.p = ActiveDirectoryProvider(D(self.directory))
    @hookimpl
    def mpf_namespaces(self): return [NS]
    @hookimpl
    def mpf_providers(self): return {"mpf.directory": self.p}
    @hookimpl
    def mpf_resolve_caller(self, caller):
        for e in self.directory.search(BASE, Scope.SUBTREE, Filter.eq("userPrincipalName", caller.name), ["objectSid","tokenGroups"]):
            full = self.directory.read(e.dn, ["objectSid","tokenGroups"])
            return Principal(caller.name, sid=sid_to_text(full.octets("objectSid")), dn=str(e.dn), groups=frozenset(sid_to_text(v) for v in full.values("tokenGroups")))
        return None
