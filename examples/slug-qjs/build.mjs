// Makes the component: node build.mjs WIT SOURCE OUT
import { readFile, writeFile } from "node:fs/promises";
import { componentize } from "componentize-qjs";

const [witPath, source, out] = process.argv.slice(2);
// `sync`: the contract's functions are synchronous, and its host speaks WASI 0.2.
const { component } = await componentize({ witPath, jsSource: await readFile(source, "utf8"), sync: true, optSize: true });
await writeFile(out, component);
