/** Go's `fmt`: what actions, `print` and `printf` write. Rules: Go, fmt/print.go and fmt/format.go. */
import { byteLength, compareText, normalizeBytes, toBytes } from './go/byte-text.ts'
import { formatFloat, type FloatFormat } from './go/format-float.ts'
import { canBackquote, quote, quoteRune } from './go/quote.ts'
import { isPrint } from './go/unicode.ts'
import { checkDepth, checkTextLength } from './limits.ts'
import { enumText, isInteger, typeName } from './type-names.ts'
import type { GoType, MapType, ScalarType, SliceType, StructType } from './types.ts'
import { COMPLEX128, rawOf, TypedValue, typeOf, wrap, type PlainMap } from './value.ts'

/** Text of a value in an action: pointers are followed first. */
export function formatValue(value: unknown): string {
  if (typeof value === 'string') return value
  let target = value
  while (target instanceof TypedValue && target.type.kind === 'pointer' && target.value !== null) {
    target = wrap(target.type.elem, target.value, true)
  }
  const printer = new Printer()
  printer.arg(target, 'v')
  return printer.text()
}

/** Go's `fmt.Sprint`. */
export function sprint(values: readonly unknown[]): string {
  const printer = new Printer()
  for (const [i, value] of values.entries()) {
    if (i > 0 && !isText(value) && !isText(values[i - 1])) printer.write(' ')
    printer.arg(value, 'v')
  }
  return printer.text()
}

/** Go's `fmt.Sprintln`. */
export function sprintln(values: readonly unknown[]): string {
  const printer = new Printer()
  for (const [i, value] of values.entries()) {
    if (i > 0) printer.write(' ')
    printer.arg(value, 'v')
  }
  return printer.text() + '\n'
}

/** Go's `fmt.Sprintf`. */
export function sprintf(format: string, values: readonly unknown[]): string {
  return new Formatter(format, values).run()
}

const isText = (value: unknown): boolean => typeOf(value)?.kind === 'string'

interface Flags {
  width: number | undefined
  precision: number | undefined
  minus: boolean
  plus: boolean
  sharp: boolean
  space: boolean
  zero: boolean
  /** `%+v`: field names. */
  plusV: boolean
  /** `%#v`: Go syntax. */
  sharpV: boolean
}

const noFlags = (): Flags => ({
  width: undefined,
  precision: undefined,
  minus: false,
  plus: false,
  sharp: false,
  space: false,
  zero: false,
  plusV: false,
  sharpV: false,
})

/** Where a value stands: how deep, and whether it has an address (a nil pointer inside prints otherwise than outside). */
interface Position {
  readonly verb: string
  readonly depth: number
  readonly addressable: boolean
}

/** Writes values into one text; lives for one call. */
class Printer {
  flags: Flags = noFlags()
  private out = ''
  private erroring = false

  text = (): string => normalizeBytes(this.out)

  write(text: string): void {
    this.out += text
    checkTextLength(this.out.length)
  }

  /** One argument with its dynamic type. */
  arg(value: unknown, verb: string): void {
    const type = typeOf(value)
    if (type === undefined) {
      if (verb === 'v' || verb === 'T') this.pad('<nil>')
      else this.badVerb(verb, undefined, undefined)
    } else if (verb === 'T') this.formatString(typeName(type), 's', type)
    else {
      const addressable = value instanceof TypedValue && value.addressable
      this.typed(type, rawOf(value), { verb, depth: 0, addressable })
    }
  }

  private typed(type: GoType, value: unknown, at: Position): void {
    checkDepth(at.depth)
    if (type.kind === 'any') return this.element(value, at)
    if (at.verb === 'p') return this.formatAddress(type, value)
    if (this.byMethod(type, value, at)) return
    switch (type.kind) {
      case 'bool':
        return this.formatBool(value === true, at.verb, type)
      case 'string':
        return this.formatString((value as string | undefined) ?? '', at.verb, type)
      case 'float32':
      case 'float64':
        return this.formatFloat((value as number | undefined) ?? 0, at.verb, type)
      case 'slice':
        return this.formatList(type, value as readonly unknown[] | null | undefined, at)
      case 'map':
        return this.formatMap(type, value as PlainMap | null | undefined, at)
      case 'struct':
        return this.formatStruct(type, value as PlainMap | null | undefined, at)
      case 'pointer':
        return this.formatPointer(type.elem, value, at)
      default:
        return this.formatInteger((value as number | bigint | undefined) ?? 0, at.verb, type)
    }
  }

  /** What an interface inside a list or map holds. */
  private element(value: unknown, at: Position): void {
    const type = typeOf(value)
    if (type !== undefined) this.typed(type, rawOf(value), { ...at, addressable: false, depth: at.depth + 1 })
    else this.write(this.flags.sharpV ? 'interface {}(nil)' : '<nil>')
  }

  /** Types with a `String` method print through it. */
  private byMethod(type: GoType, value: unknown, { verb, addressable }: Position): boolean {
    if (this.erroring || this.flags.sharpV || !'vsxXq'.includes(verb)) return false
    const text = textOf(type, value, addressable)
    if (text === undefined) return false
    this.formatString(text, verb, type)
    return true
  }

  private formatBool(value: boolean, verb: string, type: GoType): void {
    if (verb === 't' || verb === 'v') this.pad(String(value))
    else this.badVerb(verb, type, value)
  }

  private formatString(value: string, verb: string, type: GoType): void {
    if (verb === 'x' || verb === 'X') return this.hexString(value, verb)
    const text = this.truncated(value)
    if (verb === 'q' || (verb === 'v' && this.flags.sharpV)) this.pad(this.quoted(text))
    else if (verb === 's' || verb === 'v') this.pad(text)
    else this.badVerb(verb, type, value)
  }

  private quoted(text: string): string {
    if (this.flags.sharp && canBackquote(text)) return '`' + text + '`'
    return quote(text, this.flags.plus)
  }

  private truncated(text: string): string {
    const { precision } = this.flags
    return precision === undefined || text.length <= precision ? text : [...text].slice(0, precision).join('')
  }

  private hexString(value: string, verb: 'x' | 'X'): void {
    const { precision, space, sharp } = this.flags
    const bytes = toBytes(value).subarray(0, precision)
    const pairs = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'))
    const text = space
      ? pairs.map((pair) => (sharp ? '0x' : '') + pair).join(' ')
      : (sharp && pairs.length > 0 ? '0x' : '') + pairs.join('')
    this.pad(verb === 'X' ? text.toUpperCase() : text)
  }

  private formatInteger(value: number | bigint, verb: string, type: GoType): void {
    switch (verb) {
      case 'v':
      case 'd':
        return this.integer(value, 10, verb)
      case 'b':
        return this.integer(value, 2, verb)
      case 'o':
      case 'O':
        return this.integer(value, 8, verb)
      case 'x':
      case 'X':
        return this.integer(value, 16, verb)
      case 'c':
        return this.pad(runeText(value))
      case 'q':
        return this.pad(quoteRune(validRune(value), this.flags.plus))
      case 'U':
        return this.unicode(value)
      default:
        return this.badVerb(verb, type, value)
    }
  }

  private integer(value: number | bigint, base: number, verb: string): void {
    const { flags } = this
    const isNegative = value < 0
    const sign = isNegative ? '-' : flags.plus ? '+' : flags.space ? ' ' : ''
    let minDigits = flags.precision ?? 0
    if (flags.precision === 0 && Number(value) === 0) return this.padSpaces('')
    if (flags.precision === undefined && flags.zero && !flags.minus && flags.width !== undefined) {
      minDigits = flags.width - sign.length
    }
    checkTextLength(minDigits)
    let digits = (isNegative ? -value : value).toString(base).padStart(minDigits, '0')
    if (verb === 'X') digits = digits.toUpperCase()
    this.padSpaces(sign + this.basePrefix(digits, base, verb) + digits)
  }

  private basePrefix(digits: string, base: number, verb: string): string {
    const octal = this.flags.sharp && base === 8 && !digits.startsWith('0') ? '0' : ''
    if (verb === 'O') return '0o' + octal
    if (!this.flags.sharp) return ''
    if (base === 2) return '0b'
    if (base === 8) return octal
    return base === 16 ? '0' + verb : ''
  }

  private unicode(value: number | bigint): void {
    const digits = (value < 0 ? BigInt.asUintN(64, BigInt(value)) : value).toString(16).toUpperCase()
    const code = 'U+' + digits.padStart(Math.max(4, this.flags.precision ?? 0), '0')
    const char = value >= 0 && value <= 0x10ffff ? String.fromCodePoint(Number(value)) : ''
    const shown = this.flags.sharp && char !== '' && isPrint(char) ? ` '${char}'` : ''
    this.padSpaces(code + shown)
  }

  private formatFloat(value: number, verb: string, type: GoType): void {
    const isFloat32 = type.kind === 'float32'
    if ('vgGxXb'.includes(verb)) {
      const used = (verb === 'v' ? 'g' : verb) as FloatFormat['verb'] // one of the letters just tested
      return this.float(value, { verb: used, precision: this.flags.precision ?? -1, isFloat32 })
    }
    if (!'feEF'.includes(verb)) return this.badVerb(verb, type, value)
    const used = (verb === 'F' ? 'f' : verb) as FloatFormat['verb'] // as above
    this.float(value, { verb: used, precision: this.flags.precision ?? 6, isFloat32 })
  }

  private float(value: number, format: FloatFormat): void {
    const { flags } = this
    checkTextLength(format.precision)
    const text = formatFloat(value, format)
    const isSigned = text.startsWith('-') || text.startsWith('+')
    const magnitude = isSigned ? text.slice(1) : text
    const isNegative = text.startsWith('-')
    const sign = isNegative ? '-' : flags.plus ? '+' : flags.space ? ' ' : ''
    if (!Number.isFinite(value)) return this.padSpaces((magnitude === 'Inf' && sign === '' ? '+' : sign) + magnitude)
    const number = flags.sharp && format.verb !== 'b' ? sharpFloat(magnitude, format) : magnitude
    const fill = (flags.width ?? 0) - sign.length - number.length
    if (sign !== '' && flags.zero && !flags.minus && fill > 0) this.write(sign + '0'.repeat(fill) + number)
    else this.pad(sign + number)
  }

  private formatList({ elem, name }: SliceType, items: readonly unknown[] | null | undefined, at: Position): void {
    const { sharpV } = this.flags
    if (sharpV) {
      this.write(name ?? '[]' + typeName(elem))
      if (items === null || items === undefined) return this.write('(nil)')
    }
    this.write(sharpV ? '{' : '[')
    for (const [i, item] of (items ?? []).entries()) {
      if (i > 0) this.write(sharpV ? ', ' : ' ')
      this.inner(elem, item, at)
    }
    this.write(sharpV ? '}' : ']')
  }

  private formatMap(type: MapType, map: PlainMap | null | undefined, at: Position): void {
    const { sharpV } = this.flags
    if (sharpV) {
      this.write(typeName(type))
      if (map === null || map === undefined) return this.write('(nil)')
    }
    this.write(sharpV ? '{' : 'map[')
    for (const [i, key] of Object.keys(map ?? {})
      .sort(compareText)
      .entries()) {
      if (i > 0) this.write(sharpV ? ', ' : ' ')
      this.inner(type.key, key, at)
      this.write(':')
      this.inner(type.elem, map?.[key], at)
    }
    this.write(sharpV ? '}' : ']')
  }

  private formatStruct(type: StructType, value: PlainMap | null | undefined, at: Position): void {
    if (type === COMPLEX128) return this.pad(type.toText?.(value) ?? '')
    if (type.bareText !== undefined) return this.write(type.bareText(value))
    const { sharpV, plusV } = this.flags
    this.write((sharpV ? typeName(type) : '') + '{')
    for (const [i, field] of type.fields.entries()) {
      if (i > 0) this.write(sharpV ? ', ' : ' ')
      if (plusV || sharpV) this.write(field.name + ':')
      const own =
        value !== null && value !== undefined && Object.hasOwn(value, field.json) ? value[field.json] : undefined
      this.inner(field.type, field.json === '' ? value : own, at)
    }
    this.write('}')
  }

  private inner(type: GoType, value: unknown, at: Position): void {
    const raw = value instanceof TypedValue && type.kind !== 'any' ? value.value : value
    this.typed(type, raw, { verb: at.verb, depth: at.depth + 1, addressable: false })
  }

  private formatPointer(elem: GoType, value: unknown, at: Position): void {
    const isNil = value === null || value === undefined
    if (at.depth === 0 && !isNil && ['slice', 'map', 'struct'].includes(elem.kind)) {
      this.write('&')
      return this.inner(elem, value, at)
    }
    if (this.flags.sharpV) return this.write(`(*${typeName(elem)})(${isNil ? 'nil' : POINTER_TEXT})`)
    if (at.verb === 'v') return this.pad(isNil ? '<nil>' : POINTER_TEXT)
    if ('bodxX'.includes(at.verb)) return this.integer(isNil ? 0 : POINTER_NUMBER, 10, at.verb)
    this.badVerb(at.verb, { kind: 'pointer', elem }, value)
  }

  private formatAddress(type: GoType, value: unknown): void {
    const isReference = type.kind === 'pointer' || type.kind === 'slice' || type.kind === 'map'
    if (!isReference) return this.badVerb('p', type, value)
    const isNil = value === null || value === undefined
    this.pad((this.flags.sharp ? '' : '0x') + (isNil ? 0 : POINTER_NUMBER).toString(16))
  }

  /** Go's report of a verb that does not suit the value. */
  private badVerb(verb: string, type: GoType | undefined, value: unknown): void {
    this.erroring = true
    this.write(`%!${verb}(`)
    if (type === undefined) this.write('<nil>')
    else {
      this.write(typeName(type) + '=')
      this.typed(type, value, { verb: 'v', depth: 0, addressable: false })
    }
    this.write(')')
    this.erroring = false
  }

  private padSpaces(text: string): void {
    const { zero } = this.flags
    this.flags.zero = false
    this.pad(text)
    this.flags.zero = zero
  }

  private pad(text: string): void {
    const { width, minus, zero } = this.flags
    if (width === undefined || width <= 0) return this.write(text)
    const fill = Math.max(0, width - charCount(text))
    checkTextLength(fill)
    this.write(minus ? text + ' '.repeat(fill) : (zero ? '0' : ' ').repeat(fill) + text)
  }
}

/** Addresses differ from run to run in Go; here they are one and the same. */
const POINTER_TEXT = '0xc000000000'
const POINTER_NUMBER = 0xc000000000

const charCount = (text: string): number => (byteLength(text) === text.length ? text.length : [...text].length)

/** What a `String` method of the type makes of the value, undefined where there is none in reach. */
function textOf(type: GoType, value: unknown, addressable: boolean): string | undefined {
  switch (type.kind) {
    case 'struct':
      return type.toText === undefined || (type.textOnPointer === true && !addressable) ? undefined : type.toText(value)
    case 'pointer':
      return pointerText(type.elem, value)
    case 'any':
    case 'slice':
    case 'map':
      return undefined
    default:
      return scalarText(type, value)
  }
}

function pointerText(elem: GoType, value: unknown): string | undefined {
  const isNil = value === null || value === undefined
  if (elem.kind !== 'struct') return isNil || elem.kind === 'pointer' ? undefined : textOf(elem, value, true)
  if (elem.toText === undefined || elem === COMPLEX128) return undefined
  return isNil ? (elem.nilText ?? '<nil>') : elem.toText(value)
}

function scalarText({ toText, enumNames }: ScalarType, value: unknown): string | undefined {
  if (toText !== undefined) return toText(value)
  return enumNames === undefined ? undefined : enumText(enumNames, value)
}

const validRune = (value: number | bigint): number => (value >= 0 && value <= 0x10ffff ? Number(value) : 0xfffd)

function runeText(value: number | bigint): string {
  const code = validRune(value)
  return String.fromCodePoint(code >= 0xd800 && code <= 0xdfff ? 0xfffd : code)
}

/** `%#g` and kin: always a decimal point, and for `g` no trimmed zeros. */
function sharpFloat(text: string, { verb, precision }: FloatFormat): string {
  const parts = (verb === 'x' || verb === 'X' ? /^(.*?)([pP].*)?$/ : /^(.*?)([eE].*)?$/).exec(text)
  let number = parts?.[1] ?? text
  let missing = 'gGxX'.includes(verb) && verb !== 'X' ? (precision < 0 ? 6 : precision) : 0
  missing -= /[1-9a-fA-FxX]/.test(number) ? number.replace('.', '').replace(/^0+/, '').length : 0
  if (!number.includes('.')) {
    if (number === '0') missing--
    number += '.'
  }
  return number + '0'.repeat(Math.max(0, missing)) + (parts?.[2] ?? '')
}

/** Go's largest width and precision; one more digit slips through, as in Go. */
const MAX_NUMBER = 1_000_000

interface ParsedNumber {
  readonly value: number
  readonly found: boolean
  readonly next: number
}

/** Runs one format text over its arguments. */
class Formatter {
  private readonly printer = new Printer()
  private readonly format: string
  private readonly values: readonly unknown[]
  private at = 0
  private argument = 0
  private reordered = false
  private goodIndex = true
  private afterIndex = false

  constructor(format: string, values: readonly unknown[]) {
    this.format = format
    this.values = values
  }

  run(): string {
    while (this.at < this.format.length) {
      const percent = this.format.indexOf('%', this.at)
      const end = percent === -1 ? this.format.length : percent
      this.printer.write(this.format.slice(this.at, end))
      this.at = end + 1
      if (percent !== -1) this.verb()
    }
    this.reportExtra()
    return this.printer.text()
  }

  private verb(): void {
    this.printer.flags = noFlags()
    this.goodIndex = true
    this.readFlags()
    this.afterIndex = this.readIndex()
    this.readWidth()
    if (this.format.charAt(this.at) === '.') this.readPrecision()
    if (!this.afterIndex) this.afterIndex = this.readIndex()
    const code = this.format.codePointAt(this.at)
    if (code === undefined) return this.printer.write('%!(NOVERB)')
    const verb = String.fromCodePoint(code)
    this.at += verb.length
    this.print(verb)
  }

  private print(verb: string): void {
    const { printer } = this
    if (verb === '%') return printer.write('%')
    if (!this.goodIndex) return printer.write(`%!${verb}(BADINDEX)`)
    if (this.argument >= this.values.length) return printer.write(`%!${verb}(MISSING)`)
    if (verb === 'v') {
      Object.assign(printer.flags, {
        sharpV: printer.flags.sharp,
        plusV: printer.flags.plus,
        sharp: false,
        plus: false,
      })
    }
    printer.arg(this.values[this.argument++], verb)
  }

  private readFlags(): void {
    const { flags } = this.printer
    for (; ; this.at++) {
      switch (this.format.charAt(this.at)) {
        case '#':
          flags.sharp = true
          break
        case '0':
          flags.zero = true
          break
        case '+':
          flags.plus = true
          break
        case '-':
          flags.minus = true
          break
        case ' ':
          flags.space = true
          break
        default:
          return
      }
    }
  }

  /** `[n]`; true if there was a well-formed one. */
  private readIndex(): boolean {
    if (this.format.charAt(this.at) !== '[') return false
    this.reordered = true
    const close = this.format.indexOf(']', this.at)
    if (close === -1 || this.format.length - this.at < 3) {
      this.goodIndex = false
      this.at++
      return false
    }
    const { value, found, next } = this.readNumber(this.at + 1, close)
    this.at = close + 1
    const wellFormed = found && next === close
    if (wellFormed && value >= 1 && value <= this.values.length) this.argument = value - 1
    else this.goodIndex = false
    return wellFormed
  }

  private readWidth(): void {
    const { flags } = this.printer
    if (this.format.charAt(this.at) === '*') {
      this.at++
      flags.width = this.intArgument()
      if (flags.width === undefined) this.printer.write('%!(BADWIDTH)')
      else if (flags.width < 0) Object.assign(flags, { width: -flags.width, minus: true })
      this.afterIndex = false
      return
    }
    const { value, found, next } = this.readNumber(this.at, this.format.length)
    this.at = next
    if (!found) return
    flags.width = value
    if (this.afterIndex) this.goodIndex = false
  }

  private readPrecision(): void {
    const { flags } = this.printer
    this.at++
    if (this.afterIndex) this.goodIndex = false
    this.afterIndex = this.readIndex()
    if (this.format.charAt(this.at) === '*') {
      this.at++
      const given = this.intArgument()
      if (given === undefined || given < 0) this.printer.write('%!(BADPREC)')
      else flags.precision = given
      this.afterIndex = false
      return
    }
    const { value, found, next } = this.readNumber(this.at, this.format.length)
    this.at = next
    flags.precision = found ? value : 0
  }

  private readNumber(from: number, end: number): ParsedNumber {
    let value = 0
    let at = from
    for (; at < end && /[0-9]/.test(this.format.charAt(at)); at++) {
      if (value > MAX_NUMBER) return { value: 0, found: false, next: end }
      value = value * 10 + Number(this.format.charAt(at))
    }
    return { value, found: at > from, next: at }
  }

  private intArgument(): number | undefined {
    if (this.argument >= this.values.length) return undefined
    const value = this.values[this.argument++]
    const type = typeOf(value)
    if (type === undefined || !isInteger(type)) return undefined
    const number = Number(rawOf(value))
    return Math.abs(number) > MAX_NUMBER ? undefined : number
  }

  private reportExtra(): void {
    const { printer } = this
    if (this.reordered || this.argument >= this.values.length) return
    printer.flags = noFlags()
    printer.write('%!(EXTRA ')
    for (const [i, value] of this.values.slice(this.argument).entries()) {
      if (i > 0) printer.write(', ')
      const type = typeOf(value)
      if (type !== undefined) printer.write(typeName(type) + '=')
      printer.arg(value, 'v')
    }
    printer.write(')')
  }
}
