/** Texts that differ in nothing but single scalars, as a template's do from pod to pod, need not be read as a whole. */
import { isJsonObject, memberOf } from '../model/members.ts'
import { readScalarAt, readSimpleYaml, type ScalarSpot } from './read-simple.ts'

/** What texts of one shape have in common. */
export interface TextShape {
  readonly scalars: readonly ShapeScalar[]
  /** The text behind the last scalar. */
  readonly rest: string
  /** JSON of the text that the shape was taken from. */
  readonly value: unknown
}

export interface ShapeScalar extends Pick<ScalarSpot, 'path' | 'value' | 'literal'> {
  /** The text between the scalar before and this one. */
  readonly before: string
  /** The scalar's text. */
  readonly text: string
}

/** Another scalar than the shape's. */
export interface Change {
  /** Index in the shape's scalars. */
  readonly index: number
  readonly value: unknown
}

/** The shape of a text; undefined where only the complete reader knows what the text says. */
export function shapeOf(text: string): TextShape | undefined {
  const spots: ScalarSpot[] = []
  const value = readSimpleYaml(text, spots)
  if (value === undefined || !areMembers(spots, value)) return undefined
  let at = 0
  const scalars = spots.map(({ start, end, ...spot }): ShapeScalar => {
    const before = text.slice(at, start)
    at = end
    return { ...spot, before, text: text.slice(start, end) }
  })
  return { scalars, rest: text.slice(at), value }
}

/** Whether each scalar stands where its path says; of duplicate keys only the last one's does. */
function areMembers(spots: readonly ScalarSpot[], value: unknown): boolean {
  const paths = new Set(spots.map(({ path }) => JSON.stringify(path)))
  return paths.size === spots.length && spots.every((spot) => memberAt(value, spot.path) === spot.value)
}

/** What stands at a path of own members; undefined where there is nothing. */
export function memberAt(value: unknown, path: readonly (string | number)[]): unknown {
  let at = value
  for (const step of path) {
    if (typeof step === 'number') at = Array.isArray(at) ? (at as readonly unknown[])[step] : undefined
    else at = isJsonObject(at) && step !== '__proto__' ? memberOf(at, step) : undefined
  }
  return at
}

/** In what a text differs from the shape; undefined where that is more than scalars. */
export function changesFrom({ scalars, rest }: TextShape, text: string): readonly Change[] | undefined {
  const changes: Change[] = []
  let at = 0
  for (const [index, scalar] of scalars.entries()) {
    if (!text.startsWith(scalar.before, at)) return undefined
    at += scalar.before.length
    if (holdsSame(scalar, text, at)) {
      at += scalar.text.length
      continue
    }
    const read = readScalarAt(text, at, scalar.literal)
    if (read === undefined) return undefined
    if (read.value !== scalar.value) changes.push({ index, value: read.value })
    at = read.end
  }
  return at + rest.length === text.length && text.startsWith(rest, at) ? changes : undefined
}

const LF = 0x0a

/** Whether the shape's own scalar stands there too; a literal one is read to tell where it ends. */
function holdsSame({ text: own, literal }: ShapeScalar, text: string, at: number): boolean {
  if (literal !== undefined || !text.startsWith(own, at)) return false
  const end = at + own.length
  return end === text.length || text.charCodeAt(end) === LF
}
