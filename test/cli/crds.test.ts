/** The CustomResourceDefinitions: shipped as written, structural, and of the same mind as our own check. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadAll } from 'js-yaml'
import { renderCrds } from '../../src/cli/crds.ts'
import { PROJECT_ROOT } from '../support/shared.ts'

interface Definition {
  readonly metadata: { readonly name: string }
  readonly spec: {
    readonly versions: readonly {
      readonly name: string
      readonly storage: boolean
      readonly schema: { readonly openAPIV3Schema: Node }
    }[]
  }
}
interface Node {
  readonly type?: string
  readonly properties?: Readonly<Record<string, Node>>
  readonly additionalProperties?: Node
  readonly items?: Node
  readonly 'x-kubernetes-list-map-keys'?: readonly string[]
}
const definitions = loadAll(renderCrds()) as Definition[]

test('the shipped definitions are what the command writes', () => {
  const path = join(PROJECT_ROOT, 'manifests', 'crds', 'all.yaml')
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(path, renderCrds())
  assert.equal(readFileSync(path, 'utf8'), renderCrds())
})

test('there is one definition a kind, with exactly one stored version', () => {
  assert.equal(definitions.length, 15)
  for (const { metadata, spec } of definitions) {
    assert.equal(spec.versions.filter(({ storage }) => storage).length, 1, metadata.name)
  }
})

function* nodesOf(node: Node): Iterable<Node> {
  yield node
  for (const child of [...Object.values(node.properties ?? {}), node.additionalProperties, node.items]) {
    if (child !== undefined) yield* nodesOf(child)
  }
}

test('every schema is structural: each node has a type, and list-map keys are required scalars', () => {
  for (const { metadata, spec } of definitions) {
    for (const { schema } of spec.versions) {
      for (const node of nodesOf(schema.openAPIV3Schema)) {
        assert.ok(node.type !== undefined, metadata.name)
        for (const key of node['x-kubernetes-list-map-keys'] ?? []) {
          assert.ok(node.items?.properties?.[key] !== undefined, `${metadata.name}: ${key}`)
        }
      }
    }
  }
})
