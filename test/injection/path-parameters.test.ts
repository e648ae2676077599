/** Parameters in request paths. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePathParameters } from '../../src/injection/path-parameters.ts'

const ROWS: readonly (readonly [path: string, want: Record<string, string>, dangling?: string])[] = [
  ['/inject', {}],
  ['/inject/', {}],
  ['/inject/cluster/c1/net/n1/', { ISTIO_META_CLUSTER_ID: 'c1', ISTIO_META_NETWORK: 'n1' }],
  ['/inject/cluster/a--slash--b', { ISTIO_META_CLUSTER_ID: 'a/b' }],
  ['/inject/cluster/c1/network', { ISTIO_META_CLUSTER_ID: 'c1' }, 'network'],
  ['/inject/cluster/c1/custom_env/foo', { ISTIO_META_CLUSTER_ID: 'c1', CUSTOM_ENV: 'foo' }],
  ['/inject/:ENV:cluster=c2:ENV:rootpage=/foo/bar', { ISTIO_META_CLUSTER_ID: 'c2', ROOTPAGE: '/foo/bar' }],
  ['/inject/rootpage1/v/rootpage2/:ENV:a=b', { ROOTPAGE1: 'v', ROOTPAGE2: ':ENV:a=b' }],
  ['/inject/:ENV:p=x:ENV:=y:ENV:=', { P: 'x' }],
  ['/inject/cluster/a/cluster/b', { ISTIO_META_CLUSTER_ID: 'b' }],
  ['/inject/:ENV:a=', { A: '' }],
  ['/inject/straße/v', { STRAßE: 'v' }],
]

for (const [path, want, dangling] of ROWS) {
  test(`path ${path} gives ${JSON.stringify(want)}`, () => {
    const found = parsePathParameters(path)
    assert.deepEqual(Object.fromEntries(found.variables), want)
    assert.equal(found.dangling, dangling)
  })
}
