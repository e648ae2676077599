/** An overlay that is made of an earlier one is the one its text would give. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Pod } from '../../src/api/pod.ts'
import { applyOverlay, readOverlay, type Overlay } from '../../src/injection/overlay.ts'
import { decodeTyped } from '../../src/injection/model/decode.ts'
import { POD } from '../../src/injection/model/pod.ts'
import { EMPTY_POD, RecurringOverlays } from '../../src/injection/recurring-overlays.ts'
import { messageOf } from '../../src/base/errors.ts'

interface Values {
  readonly label: string
  readonly image: string
  readonly cpu: string
  readonly port: string
  readonly env: string
  readonly name: string
  readonly nonsense: string
  readonly medium: string
}

const textOf = (values: Values): string => `
metadata:
  labels:
    app: ${values.label}
spec:
  nonsense: ${values.nonsense}
  securityContext: null
  initContainers:
  - name: istio-init
    args: []
    resources: {}
  containers:
  - name: istio-proxy
    image: ${values.image}
    ports:
    - name: http
      containerPort: ${values.port}
    resources:
      limits:
        cpu: ${values.cpu}
    env:
    - name: A
      value: ${values.env}
    - name: ${values.name}
      value: b
  - name: ${values.name}
    image: x
  volumes:
  - name: data
    emptyDir:
      medium: ${values.medium}
  - name: token
    projected:
      sources:
      - serviceAccountToken:
          path: t
`

/** Mostly what makes a pod. */
const mostly = (good: readonly string[], odd: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof({ weight: 15, arbitrary: fc.constantFrom(...good) }, { weight: 1, arbitrary: fc.constantFrom(...odd) })
const text = mostly(['hello', '"a b"', '"1"', 'A', 'app', 'istio-proxy'], ['""', '1', 'null', 'true'])
const values: fc.Arbitrary<Values> = fc.record({
  label: text,
  image: text,
  cpu: mostly(['100m'], ['"0.1"', '1', '2000m', 'bad', '""']),
  port: mostly(['80'], ['"80"', '8080']),
  env: text,
  name: mostly(['app', 'B', 'istio-proxy'], ['""', 'null']),
  nonsense: text,
  medium: mostly(['Memory'], ['""', 'null']),
})
const container = fc.record(
  {
    name: fc.constantFrom('app', 'istio-proxy', 'other'),
    image: fc.constantFrom('a', ''),
    env: fc.constant([{ name: 'A', value: 'own' }]),
    resources: fc.constantFrom({}, { limits: { cpu: '1' } }),
    future: fc.constant({ a: [] }),
  },
  { requiredKeys: ['name'] },
)
const pod = fc.record(
  {
    metadata: fc.constantFrom({}, { labels: { app: 'own', b: 'c' } }, { name: 'p', annotations: {} }),
    spec: fc.record(
      {
        containers: fc.uniqueArray(container, { selector: ({ name }) => name, maxLength: 3 }),
        initContainers: fc.array(container, { maxLength: 1 }),
        volumes: fc.constantFrom([], [{ name: 'data', hostPath: { path: '/' } }], [{ name: 'other', emptyDir: {} }]),
        securityContext: fc.constant({ runAsUser: 1 }),
      },
      { requiredKeys: ['containers'] },
    ),
  },
  { requiredKeys: ['spec'] },
)

function outcomeOf(typed: Pod, overlay: Overlay): unknown {
  try {
    return JSON.stringify(applyOverlay(typed, overlay))
  } catch (thrown) {
    return messageOf(thrown)
  }
}

test('over any pod, and over none, it makes what the text anew makes', () => {
  const overlays = new RecurringOverlays()
  let typed = 0
  fc.assert(
    fc.property(values, pod, (given, json) => {
      const recurring = overlays.read(textOf(given))
      assert.ok(recurring !== undefined)
      if (recurring.typed !== undefined) typed++
      const anew: Overlay = { patch: new RecurringOverlays().read(textOf(given))?.patch }
      assert.equal(JSON.stringify(recurring.patch), JSON.stringify(anew.patch))
      const over = decodeTyped(POD, json, { unknownFields: 'keep' }) as Pod
      for (const base of [over, EMPTY_POD]) assert.equal(outcomeOf(base, recurring), outcomeOf(base, anew))
    }),
    { numRuns: 3000 },
  )
  assert.ok(typed > 300, `${typed} with typed parts`)
})

test('what is shared cannot be changed by who was given it', () => {
  const given: Values = {
    label: 'a',
    image: 'b',
    cpu: '1',
    port: '80',
    env: 'c',
    name: 'B',
    nonsense: 'd',
    medium: 'Memory',
  }
  const first = applyOverlay(EMPTY_POD, readOverlay(textOf(given)))
  const container = first.spec?.containers?.[0] as { image?: string }
  assert.throws(() => (container.image = 'changed'), TypeError)
})
