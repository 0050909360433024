// YAML that every reader reads alike. YAML 1.1 (PyYAML, Ruby, older Go) takes `no`, `1_000`, `2024-01-01` and `12:30` for
// something else than text, YAML 1.2 does not; so they are quoted.
import { Document, isScalar, visit } from 'yaml';

/** What YAML 1.1 or Ruby gives a meaning to and the library's tests for YAML 1.1 do not cover: `=`, `<<`, `1,000`, `:symbol`. */
const SPECIAL = /^(?:=|<<|[-+]?[0-9][0-9_,.:]*|:.*)$/;

/** Returns a document of a value in which texts that YAML 1.1 would read as something else are quoted. */
export function yamlDocument(value: unknown): Document {
  const document = new Document(value, { version: '1.2', compat: 'yaml-1.1', aliasDuplicateObjects: false });
  visit(document, {
    Scalar(_, node) {
      if (isScalar(node) && typeof node.value === 'string' && SPECIAL.test(node.value)) node.type = 'QUOTE_DOUBLE';
    },
  });
  return document;
}

/** Returns a value as YAML, no line folded. */
export function toPlainYaml(value: unknown): string {
  return yamlDocument(value).toString({ lineWidth: 0 });
}
