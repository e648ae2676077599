/** What the complete reader of YAML makes of a text, to compare faster ways with. */
import { parseYaml } from '../../src/injection/yaml/parse.ts'
import { nodeToJson } from '../../src/injection/yaml/to-json.ts'

/** JSON of a text; null for an empty one. @throws YamlError */
export function readCompletely(text: string): unknown {
  const root = parseYaml(text)
  return root === undefined ? null : nodeToJson(root)
}
