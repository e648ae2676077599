/** Sprig's semantic versions and constraints. Rules: Masterminds/semver v3. */
import { FunctionError } from '../template/errors.ts'
import { fn, tableOf, text, type FunctionTable } from '../template/function-table.ts'
import { byteLength, compareText } from '../template/go/byte-text.ts'
import { jsonString } from '../template/go/json-write.ts'
import { quote } from '../template/go/quote.ts'
import { pointerTo, STRING, type GoType, type Method, type ScalarType, type StructType } from '../template/types.ts'
import { TypedValue } from '../template/value.ts'

interface Version {
  readonly major: bigint
  readonly minor: bigint
  readonly patch: bigint
  readonly prerelease: string
  readonly metadata: string
  readonly original: string
}

const UINT64: ScalarType = { kind: 'uint64' }
const getter = (result: GoType, read: (version: Version) => unknown): Method => ({
  params: [],
  result,
  nilSafe: false,
  call: (self) => read(self as Version),
})

const VERSION: StructType = {
  kind: 'struct',
  name: 'semver.Version',
  fields: [],
  toText: (self) => versionText(self as Version),
  toJson: (self) => jsonString(versionText(self as Version)),
  methods: {
    Major: getter(UINT64, ({ major }) => Number(major)),
    Minor: getter(UINT64, ({ minor }) => Number(minor)),
    Patch: getter(UINT64, ({ patch }) => Number(patch)),
    Prerelease: getter(STRING, ({ prerelease }) => prerelease),
    Metadata: getter(STRING, ({ metadata }) => metadata),
    Original: getter(STRING, ({ original }) => original),
    String: getter(STRING, versionText),
  },
}

export const VERSION_FUNCTIONS: FunctionTable = tableOf({
  semver: fn([text], (given) => new TypedValue(pointerTo(VERSION), parseVersion(given))),
  semverCompare: fn([text, text], (constraint, given) => {
    const groups = parseConstraints(constraint)
    const version = parseVersion(given)
    return groups.some((group) => satisfies(version, group))
  }),
})

const IDENTIFIERS = '[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*'
const VERSION_TEXT = new RegExp(`^v?([0-9]+)(\\.[0-9]+)?(\\.[0-9]+)?(?:-(${IDENTIFIERS}))?(?:\\+(${IDENTIFIERS}))?$`)

function parseVersion(given: string): Version {
  if (byteLength(given) > MAX_VERSION_BYTES) throw new FunctionError('version string is too long (max 256 bytes)')
  const parts = VERSION_TEXT.exec(given)
  if (parts === null) throw new FunctionError('invalid semantic version')
  const [, major = '0', minor = '.0', patch = '.0', prerelease = '', metadata = ''] = parts
  const segments = [major, minor.slice(1), patch.slice(1)].map(BigInt)
  if (segments.some((one) => one >= 2n ** 64n))
    throw new FunctionError('error parsing version segment: value out of range')
  if (prerelease.split('.').some((one) => /^0\d+$/.test(one))) throw new FunctionError('version segment starts with 0')
  const [first = 0n, second = 0n, third = 0n] = segments
  return { major: first, minor: second, patch: third, prerelease, metadata, original: given }
}

function versionText({ major, minor, patch, prerelease, metadata }: Version): string {
  return `${major}.${minor}.${patch}${prerelease === '' ? '' : '-' + prerelease}${metadata === '' ? '' : '+' + metadata}`
}

function compareVersions(a: Version, b: Version): number {
  for (const part of ['major', 'minor', 'patch'] as const) {
    if (a[part] !== b[part]) return a[part] < b[part] ? -1 : 1
  }
  if (a.prerelease === b.prerelease) return 0
  if (a.prerelease === '') return 1
  return b.prerelease === '' ? -1 : comparePrereleases(a.prerelease.split('.'), b.prerelease.split('.'))
}

function comparePrereleases(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const order = comparePart(a[i] ?? '', b[i] ?? '')
    if (order !== 0) return order
  }
  return 0
}

const isNumeric = (part: string): boolean => /^[0-9]+$/.test(part)

/** Numbers come before words, missing parts before everything. */
function comparePart(a: string, b: string): number {
  if (a === b) return 0
  if (a === '') return -1
  if (b === '') return 1
  if (isNumeric(a) && isNumeric(b)) return BigInt(a) > BigInt(b) ? 1 : -1
  if (isNumeric(a) || isNumeric(b)) return isNumeric(b) ? 1 : -1
  return compareText(a, b) > 0 ? 1 : -1
}

interface Constraint {
  readonly operator: string
  readonly version: Version
  /** Parts left out or written as `x`. */
  readonly isDirty: boolean
  readonly minorDirty: boolean
  readonly patchDirty: boolean
}

const OPERATORS = '=|!=|>=|=>|<=|=<|>|<|~>|~|\\^|'
const LOOSE = `v?([0-9|xX*]+)(\\.[0-9|xX*]+)?(\\.[0-9|xX*]+)?(-${IDENTIFIERS})?(\\+${IDENTIFIERS})?`
const ONE = new RegExp(`(${OPERATORS})\\s*${LOOSE}`, 'g')
const VALID = new RegExp(`^\\s*(?:${OPERATORS})\\s*${LOOSE}\\s*(?:(?:\\s+|,\\s*)(?:${OPERATORS})\\s*${LOOSE}\\s*)*$`)
const PART = '[0-9|xX*]+'
const UNGROUPED = `v?${PART}(?:\\.${PART})?(?:\\.${PART})?(?:-${IDENTIFIERS})?(?:\\+${IDENTIFIERS})?`
const RANGE = new RegExp(`\\s*(${UNGROUPED})\\s+-\\s+(${UNGROUPED})\\s*`, 'g')
const MAX_VERSION_BYTES = 256
const MAX_CONSTRAINT_BYTES = 512
const MAX_GROUPS = 32

/** Groups of which one must hold, each a list that must hold as a whole. */
function parseConstraints(given: string): Constraint[][] {
  if (byteLength(given) > MAX_CONSTRAINT_BYTES) throw new FunctionError('constraint string is too long')
  const groups = given.replace(RANGE, '>= $1, <= $2 ').split('||')
  if (groups.length > MAX_GROUPS) throw new FunctionError('too many constraint groups')
  return groups.map((group) => {
    if (!VALID.test(group)) throw new FunctionError(`improper constraint: ${quote(group)}`)
    return [...group.matchAll(ONE)].map(parseConstraint)
  })
}

const isWildcard = (part: string | undefined): boolean => part === undefined || /^\.?[xX*]$/.test(part)

function parseConstraint([, operator = '', major, minor, patch, prerelease = '']: RegExpExecArray): Constraint {
  if (isWildcard(major)) {
    return {
      operator,
      version: parseVersion('0.0.0' + prerelease),
      isDirty: true,
      minorDirty: false,
      patchDirty: false,
    }
  }
  const minorDirty = isWildcard(minor)
  const patchDirty = !minorDirty && isWildcard(patch)
  const text = minorDirty
    ? `${major}.0.0${prerelease}`
    : patchDirty
      ? `${major}${minor}.0${prerelease}`
      : `${major}${minor}${patch}${prerelease}`
  const isDirty = minorDirty || patchDirty
  return { operator, version: parseVersion(text), isDirty, minorDirty, patchDirty }
}

/** Prereleases only satisfy groups that name one. */
function satisfies(version: Version, group: readonly Constraint[]): boolean {
  const namesPrerelease = group.some((one) => one.version.prerelease !== '')
  return group.every((one) => {
    return (version.prerelease === '' || namesPrerelease) && holds(version, one)
  })
}

function holds(version: Version, constraint: Constraint): boolean {
  const order = compareVersions(version, constraint.version)
  switch (constraint.operator) {
    case '!=':
      return isOther(version, constraint, order)
    case '>':
      return isGreater(version, constraint, order)
    case '<':
      return order < 0
    case '>=':
    case '=>':
      return order >= 0
    case '<=':
    case '=<':
      return isAtMost(version, constraint, order)
    case '~':
    case '~>':
      return matchesTilde(version, constraint, order)
    case '^':
      return matchesCaret(version, constraint, order)
    default:
      return constraint.isDirty ? matchesTilde(version, constraint, order) : order === 0
  }
}

function isOther(
  version: Version,
  { version: other, isDirty, minorDirty, patchDirty }: Constraint,
  order: number,
): boolean {
  if (!isDirty) return order !== 0
  if (version.major !== other.major) return true
  if (minorDirty) return false
  if (version.minor !== other.minor) return true
  if (patchDirty && (version.prerelease !== '' || other.prerelease !== ''))
    return version.prerelease !== other.prerelease
  return patchDirty ? false : order !== 0
}

function isGreater(
  version: Version,
  { version: other, isDirty, minorDirty, patchDirty }: Constraint,
  order: number,
): boolean {
  if (!isDirty) return order > 0
  if (version.major !== other.major) return version.major > other.major
  if (minorDirty) return false
  return patchDirty ? version.minor > other.minor : order > 0
}

function isAtMost(version: Version, { version: other, isDirty, minorDirty }: Constraint, order: number): boolean {
  if (!isDirty) return order <= 0
  if (version.major > other.major) return false
  return !(version.major === other.major && version.minor > other.minor && !minorDirty)
}

function matchesTilde(
  version: Version,
  { version: other, minorDirty, patchDirty }: Constraint,
  order: number,
): boolean {
  if (order < 0) return false
  const isZero = other.major === 0n && other.minor === 0n && other.patch === 0n
  if (isZero && !minorDirty && !patchDirty) return true
  return version.major === other.major && (minorDirty || version.minor === other.minor)
}

function matchesCaret(
  version: Version,
  { version: other, minorDirty, patchDirty }: Constraint,
  order: number,
): boolean {
  if (order < 0) return false
  if (other.major > 0n || minorDirty) return version.major === other.major
  if (version.major > 0n) return false
  if (other.minor > 0n || patchDirty) return version.minor === other.minor
  if (version.minor > 0n) return false
  return version.patch === other.patch
}
