/** Random JSON documents that fit a message. */
import fc from 'fast-check'
import type { EnumType, MessageType } from '../../../src/injection/mesh/message-type.ts'
import type { GoType } from '../../../src/injection/template/types.ts'

const DURATIONS = ['5s', '1.5s', '0s', '-2ms', '1h', '10us', '1ns', '2540400h', '1m0.5s']

/** Documents for `type`; messages nested deeper than `depth` stay empty. */
export function anyMessage(type: MessageType, depth = 3): fc.Arbitrary<Record<string, unknown>> {
  if (depth === 0 || type.fields.length === 0) return fc.constant({})
  const byName = type.fields.map((field) =>
    fc.record({
      name: fc.constantFrom(field.json, field.proto),
      value: fc.oneof(
        { weight: 1, arbitrary: fc.constant(null) },
        { weight: 9, arbitrary: anyValue(field.type, depth - 1) },
      ),
    }),
  )
  return fc
    .subarray(byName, { maxLength: Math.min(6, byName.length) })
    .chain((picked) => fc.tuple(...picked))
    .map((members) => Object.fromEntries(members.map(({ name, value }) => [name, value])))
}

function anyValue(type: GoType, depth: number): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case 'slice':
      return fc.array(anyValue(type.elem, depth), { maxLength: 3 })
    case 'map':
      return fc.dictionary(fc.string({ maxLength: 4 }), anyValue(type.elem, depth), { maxKeys: 3 })
    case 'pointer':
      return anyPointer(type.elem as MessageType, depth)
    case 'bool':
      return fc.boolean()
    case 'string':
      return fc.string({ unit: 'grapheme', maxLength: 6 })
    case 'float64':
      return fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0)
    default:
      return 'numbers' in type
        ? fc.constantFrom<unknown>(...(type as EnumType).numbers.keys(), 0, 1, 7)
        : fc.oneof(fc.nat(65535), fc.nat(65535).map(String))
  }
}

function anyPointer(type: MessageType, depth: number): fc.Arbitrary<unknown> {
  switch (type.wellKnown) {
    case 'wrapper':
      return anyValue(type.fields[0]?.type ?? { kind: 'bool' }, depth)
    case 'duration':
      return fc.constantFrom(...DURATIONS)
    case undefined:
      return anyMessage(type, depth)
    default:
      return fc.dictionary(fc.string({ maxLength: 3 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
  }
}
