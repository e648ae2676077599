/** CustomResourceDefinitions, derived from the same schemas that validation uses. */
import type { CelRule, KindSchema, ObjectSchema, Schema } from './dsl.ts'

type Json = Readonly<Record<string, unknown>>

/** A definition that a current API server installs, CEL rules included. istiod: every kind is namespaced and has a status. */
export function customResourceDefinition(kind: KindSchema): Json {
  const { group, plural, shortNames } = kind
  const names = { kind: kind.kind, listKind: `${kind.kind}List`, plural, singular: kind.kind.toLowerCase() }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { ...names, ...(shortNames.length > 0 && { shortNames }), categories: ['istio-io'] },
      scope: 'Namespaced',
      versions: kind.versions.map((name, i) => ({
        name,
        served: true,
        storage: i === 0,
        subresources: { status: {} },
        schema: { openAPIV3Schema: rootSchema(kind) },
      })),
    },
  }
}

const STATUS: Json = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }

function rootSchema({ spec, specRequired }: KindSchema): Json {
  return {
    type: 'object',
    properties: { spec: openApiSchema(spec), status: STATUS },
    ...(specRequired && { required: ['spec'] }),
  }
}

/** The structural schema of one value. */
export function openApiSchema(schema: Schema): Json {
  return { ...typeOf(schema), ...common(schema) }
}

function common({ nullable, cel }: Schema): Json {
  return {
    ...(nullable === true && { nullable }),
    ...(cel !== undefined && {
      'x-kubernetes-validations': cel.map(({ rule, message }: CelRule) => ({ rule, message })),
    }),
  }
}

function typeOf(schema: Schema): Json {
  switch (schema.kind) {
    case 'string': {
      const { minLength, maxLength, pattern, as } = schema
      const format = as === 'bytes' ? 'byte' : undefined
      return { type: 'string', ...given({ format, minLength, maxLength, pattern: pattern?.source }) }
    }
    case 'enum':
      return { type: 'string', enum: schema.values }
    case 'boolean':
      return { type: 'boolean' }
    case 'integer': {
      const { minimum, maximum, format } = schema
      return { type: 'integer', ...(format === 'int32' && { format }), ...given({ minimum, maximum }) }
    }
    case 'number': {
      const { minimum, maximum } = schema
      return { type: 'number', format: 'double', ...given({ minimum, maximum }) }
    }
    case 'list': {
      const { minItems, maxItems, mapKey } = schema
      const keyed = mapKey !== undefined && { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [mapKey] }
      return { type: 'array', items: openApiSchema(schema.items), ...given({ minItems, maxItems }), ...keyed }
    }
    case 'map': {
      const { minProperties, maxProperties } = schema
      return {
        type: 'object',
        additionalProperties: openApiSchema(schema.values),
        ...given({ minProperties, maxProperties }),
      }
    }
    case 'object':
      return objectSchema(schema)
    case 'free':
      return { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
  }
}

/** Without the members that are undefined. */
const given = (members: Json): Json =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))

function objectSchema({ declared, required = [], oneOf = [] }: ObjectSchema): Json {
  const properties = Object.fromEntries([...declared].map(([name, child]) => [name, openApiSchema(child)]))
  return { type: 'object', properties, ...(required.length > 0 && { required }), ...alternatives(oneOf) }
}

/** At most one member of each group: none of them, or exactly this one. */
function alternatives(groups: readonly (readonly string[])[]): Json {
  const choices = groups.map((group) => {
    const each = group.map((name) => ({ required: [name] }))
    return { oneOf: [{ not: { anyOf: each } }, ...each] }
  })
  return choices.length > 1 ? { allOf: choices } : (choices[0] ?? {})
}
