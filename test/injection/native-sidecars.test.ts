/** When the proxy becomes a native sidecar. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NativeSidecarsSetting } from '../../src/injection/native-sidecars.ts'
import {
  nativeSidecarsSetting,
  nodeFactsOf,
  supportsNativeSidecars,
  wantsNativeSidecars,
} from '../../src/injection/native-sidecars.ts'

const VERSIONS: readonly (readonly [version: string, want: boolean])[] = [
  ['v1.33.1-gke.5', true],
  ['1.33.0', true],
  ['v1.32.9', false],
  ['1.34', true],
  ['', false],
  ['v1', false],
  ['v1.x', false],
]
for (const [version, want] of VERSIONS) {
  test(`kubelet ${version} ${want ? 'supports' : 'does not support'} native sidecars`, () => {
    assert.equal(supportsNativeSidecars(version), want)
  })
}

const OLD = { name: 'old', kubeletVersion: 'v1.28.0' }
const NEW = { name: 'new', kubeletVersion: 'v1.33.0' }
const ROWS: { name: string; setting?: NativeSidecarsSetting; nodes?: (typeof OLD)[]; node?: string; want: boolean }[] =
  [
    { name: 'true wins over nodes', setting: 'true', nodes: [OLD], want: true },
    { name: 'false wins over nodes', setting: 'false', nodes: [NEW], want: false },
    { name: 'no client means no', want: false },
    { name: 'no node means yes', nodes: [], want: true },
    { name: 'one old node means no', nodes: [NEW, OLD], want: false },
    { name: 'the own node decides alone', nodes: [NEW, OLD], node: 'new', want: true },
    { name: 'an unknown own node leaves it to all', nodes: [NEW, OLD], node: 'gone', want: false },
  ]
for (const { name, setting = 'auto', nodes, node, want } of ROWS) {
  test(`native sidecars: ${name}`, () => {
    assert.equal(wantsNativeSidecars(setting, nodes && nodeFactsOf(nodes), node), want)
  })
}

test('native sidecars: an unknown setting is off', () => assert.equal(nativeSidecarsSetting('yes'), 'false'))
