/** Overlays of rendered texts that came before but for single values, which is what nearly all pods need. */
import type { Pod } from '../api/pod.ts'
import { fieldTypes, withoutUnknownFields } from './known-fields.ts'
import { strategicMerge } from './merge/strategic.ts'
import { decodeTyped } from './model/decode.ts'
import { isJsonObject } from './model/members.ts'
import type { JsonObject } from './model/members.ts'
import { POD } from './model/pod.ts'
import type { GoType } from './template/types.ts'
import { memberAt, shapeOf, type Change, type ShapeScalar, type TextShape } from './yaml/text-shape.ts'

/** What Go writes of a pod that holds nothing; directives of the first template need it to be there. */
export const EMPTY_POD: Pod = { metadata: {}, spec: { containers: null } }

/** What a patch makes of the empty pod: a typed pod, whose parts may stand in any pod for the patch's where nothing else does. */
export interface TypedParts {
  readonly pod: Pod
  /** The typed part that a part of the patch becomes. */
  readonly of: (part: object) => object | undefined
  /** Whether this is a typed part. */
  readonly has: (part: object) => boolean
}

/** A patch that is shared by all whose texts are equal: it must not be changed. */
export interface RecurringOverlay {
  readonly patch: JsonObject
  readonly typed?: TypedParts | undefined
}

/** Shapes that are remembered; a configuration's pods need few. */
const MAX_SHAPES = 16
/** Longer texts are not worth remembering. */
const MAX_LENGTH = 128 * 1024

export class RecurringOverlays {
  /** The most recent first. */
  #known: readonly KnownShape[] = []

  /** The overlay of a text; undefined for texts that are no simple YAML map. */
  read(text: string): RecurringOverlay | undefined {
    for (const known of this.#known) {
      const changes = known.shape.changesFrom(text)
      if (changes === undefined) continue
      if (wouldKnowMore(known, changes)) return this.#learn(text, known)
      this.#keep(known)
      return overlayWith(known, changes)
    }
    return text.length > MAX_LENGTH ? undefined : this.#learn(text)
  }

  #learn(text: string, instead?: KnownShape): RecurringOverlay | undefined {
    const shape = shapeOf(text)
    const known = shape === undefined ? undefined : knownShape(shape)
    if (known !== undefined) this.#keep(known, instead)
    return known
  }

  #keep(known: KnownShape, instead = known): void {
    if (this.#known[0] === known) return
    this.#known = [known, ...this.#known.filter((one) => one !== instead)].slice(0, MAX_SHAPES)
  }
}

interface KnownShape extends RecurringOverlay {
  readonly shape: TextShape
  /** What each scalar of the shape is in the patch. */
  readonly uses: readonly Use[]
  /** Whether other values could make something of nothing. */
  readonly mayBeTyped: boolean
}

/** What a scalar of the shape is in the patch. */
interface Use {
  /** Whether the patch has it; a field nobody knows it has not. */
  readonly isThere: boolean
  /** Undefined where anything may stand. */
  readonly type: GoType | undefined
  /** Whether the typed pod has a value there too, and not only for want of one. */
  readonly isSet: boolean
}

/** Whether a shape that is taken from the changed text tells more of texts to come. */
function wouldKnowMore({ typed, uses, mayBeTyped }: KnownShape, changes: readonly Change[]): boolean {
  if (changes.length === 0 || !mayBeTyped) return false
  return (
    typed === undefined ||
    changes.some(({ index, value }) => uses[index]?.isSet === false && isUsable(uses[index], value))
  )
}

function knownShape(shape: TextShape): KnownShape | undefined {
  if (!isJsonObject(shape.value)) return undefined
  const patch = frozen(withoutUnknownFields(POD, shape.value) as JsonObject)
  const pod = frozen(aloneOf(patch))
  return {
    shape,
    patch,
    typed: pod === undefined ? undefined : typedParts(pod, pairsOf(patch, pod, new Map())),
    uses: shape.scalars.map((scalar) => useOf(scalar, patch, pod)),
    mayBeTyped: !holdsDirectives(patch),
  }
}

/** So that nobody who is given a part of it can change what others are given. */
function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const member of Object.values(value)) frozen(member)
  return value
}

/** Undefined for a patch that only means something over a pod, or nothing anywhere. */
function aloneOf(patch: JsonObject): Pod | undefined {
  if (holdsDirectives(patch)) return undefined
  try {
    return decodeTyped(POD, strategicMerge(POD, EMPTY_POD, patch), { unknownFields: 'keep' }) as Pod
  } catch {
    return undefined
  }
}

function holdsDirectives(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(holdsDirectives)
  return isJsonObject(value) && Object.keys(value).some((name) => name.startsWith('$') || holdsDirectives(value[name]))
}

type Pairs = ReadonlyMap<object, object>

/** Each part of the patch with what became of it. */
function pairsOf(part: unknown, typed: unknown, pairs: Map<object, object>): Pairs {
  if (Array.isArray(part) && Array.isArray(typed) && part.length === typed.length) {
    pairs.set(part, typed)
    for (const [i, element] of part.entries()) pairsOf(element, typed[i], pairs)
  } else if (isJsonObject(part) && isJsonObject(typed)) {
    pairs.set(part, typed)
    for (const name of Object.keys(part)) if (Object.hasOwn(typed, name)) pairsOf(part[name], typed[name], pairs)
  }
  return pairs
}

function typedParts(pod: Pod, pairs: Pairs, former?: TypedParts): TypedParts {
  const parts = new Set(pairs.values())
  return {
    pod,
    of: (part) => pairs.get(part) ?? former?.of(part),
    has: (part) => parts.has(part) || former?.has(part) === true,
  }
}

function useOf({ path, value }: ShapeScalar, patch: JsonObject, pod: Pod | undefined): Use {
  const isThere = memberAt(patch, path) === value
  return { isThere, type: isThere ? typeAt(path) : undefined, isSet: isSomething(memberAt(pod, path)) }
}

/** Go leaves most other values out. */
const isSomething = (value: unknown): boolean => Boolean(value)

/** Type of what stands at that path of a pod; undefined where that is not known. */
function typeAt(path: readonly (string | number)[]): GoType | undefined {
  let type: GoType | undefined = POD
  for (const step of path) {
    const outer = valueType(type)
    if (outer.kind === 'slice' || outer.kind === 'map') type = outer.elem
    else type = outer.kind === 'struct' && outer.opaque === undefined ? fieldTypes(outer).get(String(step)) : undefined
    if (type === undefined) return undefined
  }
  return type
}

const valueType = (type: GoType): GoType => (type.kind === 'pointer' ? valueType(type.elem) : type)

const isUsable = (use: Use | undefined, value: unknown): boolean => typedValue(use, value) !== undefined

/** What a value becomes in a typed pod; undefined where it is refused or left out. */
function typedValue(use: Use | undefined, value: unknown): unknown {
  if (use?.type === undefined) return undefined
  try {
    const typed = decodeTyped(use.type, value, { unknownFields: 'keep' })
    return isSomething(typed) ? typed : undefined
  } catch {
    return undefined
  }
}

function overlayWith(known: KnownShape, changes: readonly Change[]): RecurringOverlay {
  if (changes.length === 0) return known
  const { uses, shape, typed } = known
  // Each has copies of its own, although the originals share what is the same in both.
  const [patchCopies, podCopies] = [new Copies(), new Copies()]
  const patch = patchCopies.of(known.patch)
  const pod = typed === undefined ? undefined : podCopies.of(typed.pod)
  const pairs = new Map<object, object>()
  let isTyped = pod !== undefined
  for (const { index, value } of changes) {
    const use = uses[index]
    if (use?.isThere !== true) continue
    const path = shape.scalars[index]?.path ?? []
    const written = patchCopies.write(patch, path, value)
    const typedToo = use.isSet && isTyped ? typedValue(use, value) : undefined
    isTyped = typedToo !== undefined
    if (pod === undefined || !isTyped) continue
    for (const [n, part] of podCopies.write(pod, path, typedToo).entries()) pairs.set(written[n] as object, part)
  }
  return { patch, typed: isTyped && pod !== undefined ? typedParts(pod, pairs, typed) : undefined }
}

/** Copies of what is changed below shared objects, one of each. */
class Copies {
  readonly #copies = new Map<unknown, object>()
  readonly #made = new Set<unknown>()

  of<T extends object>(original: T): T {
    if (this.#made.has(original)) return original
    const known = this.#copies.get(original)
    const copy = known ?? (Array.isArray(original) ? [...(original as readonly unknown[])] : { ...original })
    this.#copies.set(original, copy)
    this.#made.add(copy)
    return copy as T
  }

  /** Sets what stands at the path below a copy; gives the copies on the way. */
  write(copy: object, path: readonly (string | number)[], value: unknown): readonly object[] {
    const way = [copy as Record<string | number, unknown>]
    for (const step of path.slice(0, -1)) {
      const outer = way[way.length - 1] as Record<string | number, unknown>
      const inner = this.of(outer[step] as Record<string | number, unknown>)
      outer[step] = inner
      way.push(inner)
    }
    const last = way[way.length - 1] as Record<string | number, unknown>
    last[path[path.length - 1] as string] = value
    return way
  }
}
