/** Telemetry: telemetry.istio.io v1, v1alpha1. */
import { bool, double, enumOf, list, map, object, text } from '../dsl.ts'
import type { Decoded, KindSchema } from '../dsl.ts'
import { celRule, duration, matchLabelsSelector, ONE_TARGET, targetRef, targetRefs } from './shared.ts'

interface TagOverride {
  readonly operation?: string
  readonly value?: string
}
const UPSERT_RULE = celRule<TagOverride>(
  "((has(self.operation) ? self.operation : '') == 'UPSERT') ? (self.value != '') : true",
  'value must be set when operation is UPSERT',
  ({ operation, value }) => {
    if (operation !== 'UPSERT') return true
    return value === undefined ? 'no such key: value' : value !== ''
  },
)
const REMOVE_RULE = celRule<TagOverride>(
  "((has(self.operation) ? self.operation : '') == 'REMOVE') ? !has(self.value) : true",
  'value must not be set when operation is REMOVE',
  (self) => self.operation !== 'REMOVE' || !Object.hasOwn(self, 'value'),
)
const filled = text({ minLength: 1 })
const mode = enumOf(['CLIENT_AND_SERVER', 'CLIENT', 'SERVER'])
const providers = list(object({ name: filled }, { required: ['name'] }))
const flag = bool({ nullable: true })
const customTag = object(
  {
    literal: object({ value: filled }, { required: ['value'] }),
    environment: object({ name: filled, defaultValue: text() }, { required: ['name'] }),
    header: object({ name: filled, defaultValue: text() }, { required: ['name'] }),
    formatter: object({ value: filled }, { required: ['value'] }),
  },
  { oneOf: [['literal', 'environment', 'header', 'formatter']] },
)
const metric = enumOf([
  'ALL_METRICS',
  'REQUEST_COUNT',
  'REQUEST_DURATION',
  'REQUEST_SIZE',
  'RESPONSE_SIZE',
  'TCP_OPENED_CONNECTIONS',
  'TCP_CLOSED_CONNECTIONS',
  'TCP_SENT_BYTES',
  'TCP_RECEIVED_BYTES',
  'GRPC_REQUEST_MESSAGES',
  'GRPC_RESPONSE_MESSAGES',
])
const metrics = object({
  providers,
  reportingInterval: duration(),
  overrides: list(
    object({
      disabled: flag,
      match: object({ metric, customMetric: filled, mode }, { oneOf: [['metric', 'customMetric']] }),
      tagOverrides: map(
        object({ operation: enumOf(['UPSERT', 'REMOVE']), value: text() }, { cel: [UPSERT_RULE, REMOVE_RULE] }),
      ),
    }),
  ),
})
const tracing = object({
  match: object({ mode }),
  providers,
  randomSamplingPercentage: double({ nullable: true, minimum: 0, maximum: 100 }),
  disableSpanReporting: flag,
  enableIstioTags: flag,
  disableContextPropagation: flag,
  useRequestIdForTraceSampling: flag,
  customTags: map(customTag),
})
const accessLogging = object({
  match: object({ mode }),
  providers,
  disabled: flag,
  filter: object({ expression: text() }),
})
const spec = object(
  {
    selector: matchLabelsSelector,
    targetRef,
    targetRefs,
    tracing: list(tracing),
    metrics: list(metrics),
    accessLogging: list(accessLogging),
  },
  { cel: [ONE_TARGET] },
)

export const telemetry: KindSchema<Decoded<typeof spec>> = {
  group: 'telemetry.istio.io',
  kind: 'Telemetry',
  plural: 'telemetries',
  shortNames: ['telemetry'],
  versions: ['v1alpha1', 'v1'],
  specRequired: false,
  spec,
}
export type Telemetry = Decoded<typeof spec>
export type Metrics = Decoded<typeof metrics>
export type Tracing = Decoded<typeof tracing>
export type Providers = Decoded<typeof providers>
