// Reads Mermaid's own file, named by the first argument, and a JSON list of charts from standard input; prints a JSON list
// of what its parser says of each: nothing, or the mistake. A parser needs no browser, but the file looks for one when it is
// loaded: what it finds here cannot draw, and its filter of HTML says of itself that it does not work, and lets texts pass.
import fs from "node:fs";
import vm from "node:vm";

const nothing = () => {};
const element = () => ({ style: {}, setAttribute: nothing, appendChild: nothing, addEventListener: nothing });
globalThis.window = globalThis;
globalThis.addEventListener = nothing;
globalThis.document = {
  nodeType: 9,
  implementation: {},
  createElement: element,
  body: element(),
  head: element(),
  documentElement: element(),
  addEventListener: nothing,
  querySelector: () => null,
  querySelectorAll: () => [],
};
globalThis.Element = class {};
for (const name of ["Node", "HTMLFormElement", "HTMLTemplateElement", "DocumentFragment", "NamedNodeMap", "DOMParser"]) {
  globalThis[name] = globalThis.Element;
}
globalThis.NodeFilter = {};

vm.runInThisContext(fs.readFileSync(process.argv[2], "utf8"));
const said = [];
for (const chart of JSON.parse(fs.readFileSync(0, "utf8"))) {
  try {
    await globalThis.mermaid.parse(chart);
    said.push("");
  } catch (error) {
    said.push(String(error.message ?? error));
  }
}
process.stdout.write(JSON.stringify(said));
