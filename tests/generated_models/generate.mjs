// Makes models from an AsyncAPI document with Modelina, a folder for each language: generate.mjs DOCUMENT FOLDER
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import {
  GO_COMMON_PRESET,
  GoFileGenerator,
  JAVA_JACKSON_PRESET,
  JavaFileGenerator,
  PYTHON_PYDANTIC_PRESET,
  PythonFileGenerator,
  TypeScriptFileGenerator,
} from "@asyncapi/modelina";
import { Parser } from "@asyncapi/parser";

const PACKAGE = { packageName: "accounts_models" };

const ABSENT_OR_NULL = { go: "json.RawMessage", java: "com.fasterxml.jackson.databind.JsonNode" };

// Only a field of `update-profile` may be null, which clears it; absent, it stays as it is. A type of Go or Java
// must hold both, and Go writes no zero and no false of an optional field that is not a pointer.
const isCleared = ({ constrainedModel, partOfProperty }) => constrainedModel.options.isNullable && !partOfProperty?.required;
const goType = (type) => (context) => {
  if (isCleared(context)) {
    context.dependencyManager.addDependency('encoding/json');
    return ABSENT_OR_NULL.go;
  }
  return context.partOfProperty?.required === false ? `*${type}` : type;
};
const goTypes = { Boolean: goType("bool"), Integer: goType("int64"), String: goType("string") };
const JAVA_FORMATS = { date: "java.time.LocalDate", "date-time": "java.time.OffsetDateTime" };
const javaType = (context) =>
  isCleared(context) ? ABSENT_OR_NULL.java : (JAVA_FORMATS[context.constrainedModel.options.format] ?? "String");

const LANGUAGES = {
  go: [
    new GoFileGenerator({ presets: [{ preset: GO_COMMON_PRESET, options: { addJsonTag: true } }], typeMapping: goTypes }),
    PACKAGE,
  ],
  java: [new JavaFileGenerator({ presets: [JAVA_JACKSON_PRESET], collectionType: "List", typeMapping: { String: javaType } }), PACKAGE],
  python: [new PythonFileGenerator({ presets: [PYTHON_PYDANTIC_PRESET] }), PACKAGE],
  typescript: [
    new TypeScriptFileGenerator({ modelType: "interface", mapType: "record", enumType: "union", rawPropertyNames: true }),
    { exportType: "named" },
  ],
};

const [, , file, folder] = process.argv;
const { document } = await new Parser().parse(await readFile(file, "utf8"), { source: file });
for (const [language, [generator, options]] of Object.entries(LANGUAGES)) {
  const target = join(folder, language, language === "typescript" ? "" : PACKAGE.packageName);
  await mkdir(target, { recursive: true });
  await generator.generateToFiles(document, target, options);
}
