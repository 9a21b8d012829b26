// Opens an AsyncAPI document as generators and viewers do, with the official parser; any error or warning fails.
import { readFile } from "node:fs/promises";
import process from "node:process";
import { Parser } from "@asyncapi/parser";

const WARNING = 1; // an error is 0; what is above a warning is advice
const file = process.argv[2];
const { diagnostics } = await new Parser().parse(await readFile(file, "utf8"), { source: file });

for (const { severity, range, code, message, path } of diagnostics) {
  if (severity > WARNING) continue;
  console.error(`${file}:${range.start.line + 1} ${code}: ${message} (${path.join(".")})`);
  process.exitCode = 1;
}
