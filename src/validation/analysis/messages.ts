/** What analyzers say. Codes and levels are Istio's. */
import type { Resource } from './world.ts'

export type Level = 'Error' | 'Warning' | 'Info'

/** Code -> level. istiod: retired codes are not reused. */
export const MESSAGE_LEVELS = {
  IST0002: 'Warning',
  IST0101: 'Error',
  IST0102: 'Info',
  IST0103: 'Warning',
  IST0106: 'Error',
  IST0107: 'Warning',
  IST0108: 'Warning',
  IST0109: 'Error',
  IST0110: 'Error',
  IST0111: 'Error',
  IST0112: 'Error',
  IST0116: 'Warning',
  IST0118: 'Info',
  IST0123: 'Warning',
  IST0125: 'Warning',
  IST0126: 'Error',
  IST0127: 'Warning',
  IST0128: 'Warning',
  IST0129: 'Warning',
  IST0130: 'Warning',
  IST0131: 'Info',
  IST0132: 'Warning',
  IST0133: 'Warning',
  IST0134: 'Warning',
  IST0135: 'Info',
  IST0137: 'Warning',
  IST0138: 'Warning',
  IST0139: 'Error',
  IST0140: 'Warning',
  IST0144: 'Warning',
  IST0145: 'Error',
  IST0146: 'Warning',
  IST0147: 'Error',
  IST0148: 'Info',
  IST0149: 'Error',
  IST0150: 'Warning',
  IST0151: 'Warning',
  IST0152: 'Error',
  IST0153: 'Error',
  IST0154: 'Error',
  IST0155: 'Warning',
  IST0157: 'Warning',
  IST0158: 'Warning',
  IST0159: 'Error',
  IST0160: 'Error',
  IST0161: 'Error',
  IST0162: 'Warning',
  IST0163: 'Warning',
  IST0164: 'Info',
  IST0165: 'Warning',
  IST0166: 'Warning',
  IST0167: 'Warning',
  IST0171: 'Warning',
  IST0173: 'Error',
  IST0174: 'Warning',
  IST0175: 'Warning',
  IST0176: 'Warning',
  IST0177: 'Warning',
} as const satisfies Readonly<Record<string, Level>>

export type MessageCode = keyof typeof MESSAGE_LEVELS

export interface Message {
  readonly code: MessageCode
  readonly level: Level
  readonly resource: Resource
  /** Istio's notation, `{.spec.hosts[0]}`; missing where the object as a whole is meant. */
  readonly path: string | undefined
  readonly text: string
}

export const message = (code: MessageCode, resource: Resource, text: string, path?: string): Message => ({
  code,
  level: MESSAGE_LEVELS[code],
  resource,
  path: path === undefined ? undefined : `{.${path}}`,
  text,
})

export const notFound = (resource: Resource, path: string | undefined, type: string, name: string): Message =>
  message('IST0101', resource, `Referenced ${type} not found: ${JSON.stringify(name)}`, path)
