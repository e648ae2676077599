/** What Go prints for a message: protobuf's text form on one line. istiod: unstable by design, between fields may be two spaces. */
import { compareText } from '../template/go/byte-text.ts'
import { formatG } from '../template/go/format-float.ts'
import { quote } from '../template/go/quote.ts'
import { enumText } from '../template/type-names.ts'
import type { GoType } from '../template/types.ts'
import type { Message, MessageField, MessageType } from './message-type.ts'

export function messageText(type: MessageType, message: Message): string {
  return type.fields.flatMap((field) => fieldTexts(field, ownValue(message, field.json))).join(' ')
}

const ownValue = (message: Message, key: string): unknown => (Object.hasOwn(message, key) ? message[key] : undefined)

/** Lists and maps repeat their field; zero values are only printed for members of a oneof. */
function fieldTexts({ proto, type, oneof }: MessageField, value: unknown): string[] {
  if (value === undefined || value === null) return []
  if (type.kind === 'slice')
    return (value as readonly unknown[]).map((item) => `${proto}:${valueText(type.elem, item)}`)
  if (type.kind === 'map') {
    const map = value as Message
    const keys = Object.keys(map).sort(compareText)
    return keys.map((key) => `${proto}:{key:${quote(key)} value:${valueText(type.elem, map[key])}}`)
  }
  const isZero = value === 0 || value === '' || value === false
  return isZero && oneof === undefined ? [] : [`${proto}:${valueText(type, value)}`]
}

function valueText(type: GoType, value: unknown): string {
  switch (type.kind) {
    case 'pointer':
      return `{${messageText(type.elem as MessageType, value as Message)}}` // messages point to messages only
    case 'string':
      return quote(value as string)
    case 'float64':
      return formatG(value as number)
    case 'int32':
      return type.enumNames === undefined ? String(value) : enumText(type.enumNames, value)
    default:
      return String(value)
  }
}
