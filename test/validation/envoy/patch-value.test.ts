/** Values of EnvoyFilter patches against Envoy's message types. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkPatchValue } from '../../../src/validation/envoy/patch-value.ts'

const LUA = 'type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua'

interface Row {
  readonly name: string
  readonly applyTo: string
  readonly value: Readonly<Record<string, unknown>>
  readonly error?: RegExp
  readonly warning?: RegExp
}
const ROWS: readonly Row[] = [
  {
    name: 'proto spelling and JSON spelling are both fields',
    applyTo: 'CLUSTER',
    value: { lb_policy: 'RING_HASH', connectTimeout: '1s' },
  },
  { name: 'a Go duration decodes', applyTo: 'CLUSTER', value: { dns_refresh_rate: '500ms' } },
  {
    name: 'a number is no duration',
    applyTo: 'CLUSTER',
    value: { dns_refresh_rate: 5 },
    error: /cannot unmarshal number/,
  },
  { name: 'an unknown enum name is refused', applyTo: 'CLUSTER', value: { lb_policy: 'BEST' }, error: /unknown value/ },
  {
    name: 'a list where a message belongs is refused',
    applyTo: 'CLUSTER',
    value: { load_assignment: [] },
    error: /cannot unmarshal array/,
  },
  {
    name: 'a message of the v2 API gets a hint',
    applyTo: 'HTTP_FILTER',
    value: { typed_config: { '@type': 'x/envoy.config.filter.http.lua.v2.Lua' } },
    error: /v3 XDS API/,
  },
  {
    name: 'typed_config needs its type',
    applyTo: 'HTTP_FILTER',
    value: { name: 'a', typed_config: {} },
    error: /doesn't have '@type'/,
  },
  {
    name: 'the inside of typed_config is decoded',
    applyTo: 'HTTP_FILTER',
    value: { name: 'a', typed_config: { '@type': LUA, inlineCode: 1 } },
    error: /into Go value of type string/,
  },
  {
    name: 'a struct inside an Any stands in value',
    applyTo: 'HTTP_FILTER',
    value: { name: 'a', typed_config: { '@type': 'x/google.protobuf.Struct' } },
    error: /'value'/,
  },
  {
    name: 'an undeclared field is worth a warning',
    applyTo: 'CLUSTER',
    value: { nmae: 'a' },
    warning: /unknown field "nmae" in envoy\.config\.cluster\.v3\.Cluster/,
  },
  {
    name: 'a filter by name alone is worth a warning',
    applyTo: 'NETWORK_FILTER',
    value: { name: 'envoy.echo' },
    warning: /without typed_config; envoy\.echo/,
  },
]
for (const { name, applyTo, value, error, warning } of ROWS) {
  test(`an EnvoyFilter value: ${name}`, () => {
    const check = checkPatchValue(applyTo, value)
    if (error === undefined) assert.equal(check.error, undefined)
    else assert.match(check.error ?? '', error)
    if (warning === undefined) assert.deepEqual(check.warnings, [])
    else assert.match(check.warnings.join('\n'), warning)
  })
}

test('an EnvoyFilter value nested without end is refused, not followed', () => {
  let principal: Record<string, unknown> = {}
  for (let i = 0; i < 50000; i++) principal = { not_id: principal }
  const typed = { '@type': 'x/envoy.config.rbac.v3.Principal', ...principal }
  assert.match(checkPatchValue('HTTP_FILTER', { name: 'a', typed_config: typed }).error ?? '', /nesting/)
})
