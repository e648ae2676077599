/** node-forge's DER encoder alone: the whole library would cost three times as much at start. */
declare module 'node-forge/lib/asn1.js' {
  import type { asn1 } from 'node-forge'

  interface ReadOptions {
    readonly strict?: boolean
    readonly parseAllBytes?: boolean
    /** Looks for structure inside BIT STRINGs; the published types leave the options out. */
    readonly decodeBitStrings?: boolean
  }
  const module: Omit<typeof asn1, 'fromDer'> & { fromDer(bytes: string, options?: ReadOptions): asn1.Asn1 }
  export default module
}
