/** Texts that differ in nothing but single scalars, as a template's do from pod to pod, need not be read as a whole. */
import { isJsonObject, memberOf } from '../model/members.ts'
import { readScalarAt, readSimpleYaml, type ScalarRead, type ScalarSpot } from './read-simple.ts'

/** Another scalar than the shape's. */
export interface Change {
  /** Index in the shape's scalars. */
  readonly index: number
  readonly value: unknown
}

export interface ShapeScalar extends Pick<ScalarSpot, 'path' | 'value' | 'literal'> {
  /** The text between the scalar before and this one. */
  readonly before: string
  /** The scalar's text. */
  readonly text: string
}

/** What texts have in common that differ in scalars alone. */
export class TextShape {
  readonly scalars: readonly ShapeScalar[]
  /** JSON of the text that the shape was taken from. */
  readonly value: unknown
  /** The text behind the last scalar. */
  readonly #rest: string
  readonly #every: readonly Stretch[]
  /** Scalars that have been others; between them, texts are compared at one go. */
  readonly #varying = new Set<number>()
  #usual: readonly Stretch[] = []

  constructor(scalars: readonly ShapeScalar[], given: { readonly value: unknown; readonly rest: string }) {
    this.scalars = scalars
    this.value = given.value
    this.#rest = given.rest
    this.#every = [...scalars.map(({ before }, index) => ({ before, index })), { before: given.rest, index: END }]
    this.#usual = this.#stretches()
  }

  /** In what a text differs from the shape; undefined where that is more than scalars. */
  changesFrom(text: string): readonly Change[] | undefined {
    const usual = this.#compare(text, this.#usual)
    if (usual !== undefined) return usual
    const changes = this.#compare(text, this.#every)
    if (changes === undefined) return undefined
    for (const { index } of changes) this.#varying.add(index)
    this.#usual = this.#stretches()
    return changes
  }

  #compare(text: string, stretches: readonly Stretch[]): Change[] | undefined {
    const changes: Change[] = []
    let at = 0
    for (const { before, index } of stretches) {
      const end = at + before.length
      // Thirty times as fast as startsWith, which goes character by character.
      if (text.slice(at, end) !== before) return undefined
      at = end
      const scalar = this.scalars[index]
      if (scalar === undefined) continue
      const read = scalarAt(scalar, text, at)
      if (read === undefined) return undefined
      if (read.value !== scalar.value) changes.push({ index, value: read.value })
      at = read.end
    }
    return at === text.length ? changes : undefined
  }

  /** The whole text, cut before each scalar that varies. */
  #stretches(): readonly Stretch[] {
    const stretches: Stretch[] = []
    let before = ''
    for (const [index, scalar] of this.scalars.entries()) {
      before += scalar.before
      if (this.#varying.has(index)) {
        stretches.push({ before, index })
        before = ''
      } else {
        before += scalar.text
      }
    }
    return [...stretches, { before: before + this.#rest, index: END }]
  }
}

/** Text that is the same, and the scalar behind it. */
interface Stretch {
  readonly before: string
  readonly index: number
}

/** Index of no scalar: the end of the text. */
const END = -1

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
  return new TextShape(scalars, { value, rest: text.slice(at) })
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

const LF = 0x0a

/** The scalar that stands there; a literal one is always read, to tell where it ends. */
function scalarAt(scalar: ShapeScalar, text: string, at: number): ScalarRead | undefined {
  const { text: own, value, literal } = scalar
  const end = at + own.length
  const isOwn =
    literal === undefined && text.startsWith(own, at) && (end === text.length || text.charCodeAt(end) === LF)
  return isOwn ? { value, end } : readScalarAt(text, at, literal)
}
