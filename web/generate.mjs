// Types of the API from the committed contracts, into src/api/generated (not committed: nothing there can be stale).
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

const into = new URL("src/api/generated/", import.meta.url);
mkdirSync(into, { recursive: true });
for (const service of ["identity", "schedule", "gradebook", "reporting", "notifications"]) {
  const contract = new URL(`../contracts/openapi/${service}.json`, import.meta.url);
  const target = new URL(`${service}.ts`, into);
  if (existsSync(target) && statSync(target).mtimeMs > statSync(contract).mtimeMs) continue;
  const document = JSON.parse(readFileSync(contract, "utf8"));
  writeFileSync(target, astToString(await openapiTS(document, { alphabetize: true })));
}
