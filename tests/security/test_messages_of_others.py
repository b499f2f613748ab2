"""What libxml2 said of one request is told to nobody else."""

from __future__ import annotations

from pathlib import Path

from mpf_core import Caller
from tests.support import Bench

NAMESPACE = """<namespace name="Accounts"><procedure name="Set" access="public"><Schema name="inputSchema">
  <xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:annotation><xs:appinfo><di:ApiDocInfo
    xmlns:di="http://provisioning.microsoft.com/ApiDocInfo"><di:MinimumRole type="Implicit">Users</di:MinimumRole>
    </di:ApiDocInfo></xs:appinfo></xs:annotation>
    <xs:element name="executeData"><xs:complexType><xs:sequence>
      <xs:element name="newPassword"><xs:simpleType><xs:restriction base="xs:string"><xs:pattern value="[0-9]*"/>
      </xs:restriction></xs:simpleType></xs:element>
    </xs:sequence></xs:complexType></xs:element></xs:schema></Schema>
  <execute namespace="Store" procedure="Echo"/></procedure></namespace>"""


def test_a_large_document_is_not_explained_by_messages_about_others(tmp_path: Path) -> None:
    bench = Bench(tmp_path, NAMESPACE)

    def send(caller: str, data: str) -> str:
        request = f"<request><data>{data}</data></request>"
        return bench.engine.execute(request, Caller(caller), namespace="Accounts", procedure="Set").document.decode()

    assert "s3cret" not in send("victim@alpineskihouse.com", "<newPassword>s3cret-of-the-victim</newPassword>")
    told = send("mallory@wingtiptoys.com", "<x/>" * 6000)
    assert "s3cret" not in told
    assert "Expected is ( newPassword )" in told
