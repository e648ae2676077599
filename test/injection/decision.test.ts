/** The truth table of the injection decision. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StringMap } from '../../src/api/pod.ts'
import { compileSelector } from '../../src/base/selector.ts'
import type { CompiledSelector } from '../../src/base/selector.ts'
import { decide } from '../../src/injection/decision.ts'

interface Row {
  name: string
  policy?: string
  namespace?: string
  hostNetwork?: boolean
  label?: string
  annotation?: string
  labels?: StringMap
  want: string
}

const INJECT = 'sidecar.istio.io/inject'
const selectorOf = (labels: StringMap): CompiledSelector => {
  const compiled = compileSelector({ matchLabels: labels })
  assert.ok('matches' in compiled)
  return compiled
}
const never = [selectorOf({}), selectorOf({ never: 'yes' })]
const always = [selectorOf({}), selectorOf({ always: 'yes' })]

const ROWS: Row[] = [
  { name: 'an enabled policy injects', want: 'inject' },
  { name: 'a disabled policy does not', policy: 'disabled', want: 'policy_disabled' },
  { name: 'host network is never injected', hostNetwork: true, label: 'true', want: 'host_network' },
  { name: 'kube-system is never injected', namespace: 'kube-system', label: 'true', want: 'ignored_namespace' },
  { name: 'a label opts out', label: 'false', want: 'explicit_false' },
  { name: 'an annotation opts out', annotation: 'false', want: 'explicit_false' },
  { name: 'a label opts in', policy: 'disabled', label: 'true', want: 'inject' },
  {
    name: 'the label wins over the annotation',
    label: 'true',
    annotation: 'false',
    policy: 'disabled',
    want: 'inject',
  },
  { name: 'an empty label hides the annotation', label: '', annotation: 'false', want: 'inject' },
  { name: 'an unreadable label leaves it to the policy', label: 'True', policy: 'disabled', want: 'policy_disabled' },
  { name: 'neverInjectSelector keeps out', labels: { never: 'yes' }, want: 'never_selector' },
  { name: 'never beats always', labels: { never: 'yes', always: 'yes' }, want: 'never_selector' },
  { name: 'a wish beats neverInjectSelector', labels: { never: 'yes' }, label: 'true', want: 'inject' },
  { name: 'alwaysInjectSelector lets in', labels: { always: 'yes' }, policy: 'disabled', want: 'inject' },
  { name: 'an invalid policy beats an explicit true', policy: 'Enabled', label: 'true', want: 'policy_invalid' },
  { name: 'a missing policy injects nothing', policy: '', want: 'policy_invalid' },
]

for (const row of ROWS) {
  test(`decide: ${row.name}`, () => {
    const labels: StringMap = { ...row.labels, ...(row.label !== undefined && { [INJECT]: row.label }) }
    const annotations: StringMap = row.annotation === undefined ? {} : { [INJECT]: row.annotation }
    const pod = {
      metadata: { namespace: row.namespace ?? 'shop', labels, annotations },
      spec: { hostNetwork: row.hostNetwork ?? false },
    }
    const decision = decide(pod, { policy: row.policy ?? 'enabled', never, always })
    assert.equal(decision.inject ? 'inject' : decision.reason, row.want)
  })
}
