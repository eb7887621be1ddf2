// Makes the component: node build.mjs WIT SOURCE OUT
import { writeFile } from "node:fs/promises";
import { componentize } from "@bytecodealliance/componentize-js";

const [witPath, sourcePath, out] = process.argv.slice(2);
// Without `http` and `fetch-event` the engine imports no `wasi:http`, which a skill has no use for.
const { component } = await componentize({ witPath, sourcePath, disableFeatures: ["http", "fetch-event"] });
await writeFile(out, component);
