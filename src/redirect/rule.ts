/** A rule that knows no tool: where it stands, what it matches, what then happens. */
import type { Family } from './addresses.ts'

export type Table = 'nat' | 'mangle' | 'raw'

/** Built-in chains and ours, by their iptables names. */
export type Chain =
  | 'PREROUTING'
  | 'OUTPUT'
  | 'ISTIO_INBOUND'
  | 'ISTIO_REDIRECT'
  | 'ISTIO_IN_REDIRECT'
  | 'ISTIO_OUTPUT'
  | 'ISTIO_OUTPUT_DNS'
  | 'ISTIO_DIVERT'
  | 'ISTIO_TPROXY'
  | 'ISTIO_DROP'

export type Protocol = 'tcp' | 'udp'
export type PortSide = 'source' | 'destination'

export type Match =
  | { readonly kind: 'interface'; readonly direction: 'in' | 'out'; readonly name: string }
  /** `only`: istiod matches the protocol in that back end alone. */
  | { readonly kind: 'protocol'; readonly is: Protocol; readonly only?: 'nftables' }
  /** Port of a protocol that a match of its own names. Several ports are alternatives. */
  | { readonly kind: 'port'; readonly is: readonly string[]; readonly not?: boolean }
  /** Port and protocol in one. */
  | { readonly kind: 'protocolPort'; readonly protocol: Protocol; readonly side: PortSide; readonly is: string }
  /** An address range; the text of each family that the rule has. */
  | {
      readonly kind: 'address'
      readonly side: PortSide
      readonly v4?: string
      readonly v6?: string
      readonly not?: boolean
    }
  | { readonly kind: 'owner'; readonly by: 'uid' | 'gid'; readonly is: string; readonly not?: boolean }
  | { readonly kind: 'mark'; readonly is: string; readonly not?: boolean }
  | { readonly kind: 'connectionMark'; readonly is: string }
  | { readonly kind: 'conntrack'; readonly states: readonly ('RELATED' | 'ESTABLISHED' | 'INVALID')[] }

export type Target =
  | { readonly kind: 'return' }
  | { readonly kind: 'accept' }
  | { readonly kind: 'drop' }
  | { readonly kind: 'jump'; readonly chain: Chain }
  | { readonly kind: 'redirect'; readonly protocol: Protocol; readonly port: string }
  | { readonly kind: 'setMark'; readonly mark: string }
  | { readonly kind: 'tproxy'; readonly port: string; readonly mark: string }
  | { readonly kind: 'saveMark' }
  | { readonly kind: 'restoreMark' }
  | { readonly kind: 'zone'; readonly zone: number }

export interface Rule {
  readonly table: Table
  readonly chain: Chain
  /** Position from 1 where the rule is inserted; appended when absent. */
  readonly at?: number
  /** Families the rule is meant for. */
  readonly families: readonly Family[]
  /** In the order in which iptables text names them. */
  readonly match: readonly Match[]
  readonly target: Target
}

export const BOTH: readonly Family[] = ['v4', 'v6']
