/** YAML as go-yaml v2 reads it (YAML 1.1 with Go's habits), turned into JSON. */
import type { GoType } from '../template/types.ts'
import { parseYaml } from './parse.ts'
import { readSimpleYaml } from './read-simple.ts'
import { nodeToJson } from './to-json.ts'

/**
 * The first document of `text` as JSON; null where it is empty. Keys become text, of duplicate ones the last counts.
 * Given the Go type the JSON is for, numbers and bools become text where the type has text.
 * @throws YamlError for broken YAML, null keys, numbers JSON has no form for, and aliases that expand without measure
 */
export function readYaml(text: string, target?: GoType): unknown {
  const simple = target === undefined ? readSimpleYaml(text) : undefined
  if (simple !== undefined) return simple
  const root = parseYaml(text)
  return root === undefined ? null : nodeToJson(root, target)
}
