/** What the API server checks about any object's metadata before it looks at the spec. */
import { field, METADATA } from '../field-path.ts'
import { maskTrailingDash, wrongLabelValue, wrongNamespace, wrongQualifiedName, wrongSubdomain } from './kube-names.ts'
import { checkOwnersAndFinalizers } from './owners-and-finalizers.ts'
import type { SchemaError } from './structure.ts'

type MetaType = 'string' | 'integer' | 'time' | 'strings' | 'stringMap' | 'objects'
const META_FIELDS: Readonly<Record<string, MetaType>> = {
  name: 'string',
  generateName: 'string',
  namespace: 'string',
  selfLink: 'string',
  uid: 'string',
  resourceVersion: 'string',
  generation: 'integer',
  creationTimestamp: 'time',
  deletionTimestamp: 'time',
  deletionGracePeriodSeconds: 'integer',
  labels: 'stringMap',
  annotations: 'stringMap',
  ownerReferences: 'objects',
  finalizers: 'strings',
  managedFields: 'objects',
}

const META_ENTRIES = Object.entries(META_FIELDS)
export const META_FIELD_NAMES: readonly string[] = Object.keys(META_FIELDS)

type Bag = Readonly<Record<string, unknown>>
export interface ObjectMeta {
  readonly name: string
  readonly generateName: string
  /** Empty when not given. */
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly generation: number
  readonly ownerReferences: readonly Bag[]
  readonly finalizers: readonly string[]
}
export interface MetaResult {
  readonly meta: ObjectMeta
  /** Fields no ObjectMeta has. */
  readonly unknown: readonly string[]
  /** Why it cannot be decoded at all. */
  readonly decodeError: string | undefined
}
const isBag = (value: unknown): value is Bag => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Reads metadata leniently; what does not decode is named once. */
export function readObjectMeta(metadata: unknown): MetaResult {
  const bag = isBag(metadata) ? metadata : {}
  const wrongWhole = metadata === undefined || metadata === null || isBag(metadata) ? undefined : mismatch(metadata, '')
  const wrongField = META_ENTRIES.find(([name, type]) => bag[name] !== undefined && !fits(type, bag[name]))
  const texts = (name: string): Readonly<Record<string, string>> => textMap(bag[name])
  return {
    meta: {
      name: textOf(bag['name']),
      generateName: textOf(bag['generateName']),
      namespace: textOf(bag['namespace']),
      labels: texts('labels'),
      annotations: texts('annotations'),
      generation: typeof bag['generation'] === 'number' ? bag['generation'] : 0,
      ownerReferences: elements(bag['ownerReferences']).map((owner) => (isBag(owner) ? owner : {})),
      finalizers: elements(bag['finalizers']).map(textOf),
    },
    unknown: Object.keys(bag).filter((key) => !Object.hasOwn(META_FIELDS, key)),
    decodeError: wrongWhole ?? (wrongField && mismatch(bag[wrongField[0]], `.${wrongField[0]}`)),
  }
}

const elements = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
function textMap(value: unknown): Readonly<Record<string, string>> {
  if (!isBag(value)) return {}
  if (holdsTextsOnly(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, text]) => [key, textOf(text)]))
}

function holdsTextsOnly(bag: Bag): bag is Readonly<Record<string, string>> {
  for (const key in bag) if (typeof bag[key] !== 'string') return false
  return true
}

const mismatch = (value: unknown, name: string): string =>
  `json: cannot unmarshal ${Array.isArray(value) ? 'array' : typeof value} into Go struct field ObjectMeta${name}`

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/

function fits(type: MetaType, value: unknown): boolean {
  if (value === undefined || value === null) return true
  switch (type) {
    case 'string':
      return typeof value === 'string'
    case 'integer':
      return Number.isInteger(value) && Math.abs(Number(value)) <= 2 ** 63
    case 'time':
      return typeof value === 'string' && RFC3339.test(value)
    case 'strings':
      return Array.isArray(value) && value.every((item) => item === null || typeof item === 'string')
    case 'stringMap':
      return isBag(value) && Object.values(value).every((item) => item === null || typeof item === 'string')
    case 'objects':
      return Array.isArray(value) && value.every((item) => item === null || isBag(item))
  }
}

/** Kubernetes: TotalAnnotationSizeLimitB. */
const MAX_ANNOTATION_BYTES = 256 * 1024

/** Name, namespace, labels and annotations as the API server wants them on a create. */
export function checkObjectMeta(meta: ObjectMeta): SchemaError[] {
  const { name, generateName, namespace, labels, annotations, generation } = meta
  const errors: SchemaError[] = []
  const invalid = (key: string, value: string, why: string): void => {
    const at = field(METADATA, key)
    errors.push({
      at,
      path: `metadata.${key}`,
      message: `Invalid value: ${JSON.stringify(value)}: ${why}`,
      type: 'FieldValueInvalid',
    })
  }
  if (name === '' && generateName === '') {
    const at = field(METADATA, 'name')
    const message = 'Required value: name or generateName is required'
    errors.push({ at, path: 'metadata.name', message, type: 'FieldValueRequired' })
  }
  for (const why of name === '' ? [] : wrongSubdomain(name)) invalid('name', name, why)
  for (const why of generateName === '' ? [] : wrongSubdomain(maskTrailingDash(generateName)))
    invalid('generateName', generateName, why)
  for (const why of namespace === '' ? [] : wrongNamespace(namespace)) invalid('namespace', namespace, why)
  for (const [key, value] of Object.entries(labels)) {
    for (const why of wrongQualifiedName(key)) invalid('labels', key, why)
    for (const why of wrongLabelValue(value)) invalid('labels', value, why)
  }
  checkAnnotations(annotations, invalid)
  if (generation < 0) invalid('generation', String(generation), 'must be greater than or equal to 0')
  return [...errors, ...checkOwnersAndFinalizers(meta.ownerReferences, meta.finalizers)]
}

function checkAnnotations(
  annotations: ObjectMeta['annotations'],
  invalid: (key: string, value: string, why: string) => void,
): void {
  let size = 0
  for (const [key, value] of Object.entries(annotations)) {
    for (const why of wrongQualifiedName(key.toLowerCase())) invalid('annotations', key, why)
    size += key.length + value.length
  }
  if (size > MAX_ANNOTATION_BYTES) invalid('annotations', '', `must have at most ${MAX_ANNOTATION_BYTES} bytes`)
}
