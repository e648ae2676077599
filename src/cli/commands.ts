/** The table of commands. A new one is a line here and a file beside this one. */
import type { Command } from 'commander'
import type { CommandContext } from './output.ts'

/** One line of `--help`'s examples. */
export interface Example {
  /** What it is good for. */
  readonly text: string
  /** What to type, beginning with `mesh-admission`. */
  readonly line: string
}

export interface CommandInput {
  readonly args: readonly string[]
  /** By camel-cased long name, as commander gives them. */
  readonly options: Readonly<Record<string, unknown>>
}

/** What a command's file exports as `command`. */
export interface CommandModule {
  readonly examples: readonly Example[]
  /** Adds arguments and options. */
  readonly configure: (command: Command) => void
  /** Resolves with the exit code. What it throws ends in code 2 and a line on standard error. */
  readonly run: (input: CommandInput, context: CommandContext) => Promise<number>
}

/** What the file of a command with a foreign contract exports: it gets its arguments as they are. */
export interface ForeignCommandModule {
  readonly runForeign: (args: readonly string[], context: CommandContext) => Promise<number>
}

interface Entry {
  readonly name: string
  readonly summary: string
}

/** `load` runs for the one command that was asked for: the others' dependencies cost no start-up time. */
export type CommandEntry =
  | (Entry & { readonly load: () => Promise<{ readonly command: CommandModule }> })
  | (Entry & { readonly loadForeign: () => Promise<ForeignCommandModule> })

export const COMMANDS: readonly CommandEntry[] = [
  { name: 'serve', summary: 'run the admission webhook', load: () => import('./serve.ts') },
  { name: 'inject', summary: 'add the sidecar to pod templates in files', load: () => import('./inject.ts') },
  {
    name: 'demo',
    summary: 'inject one pod, without a cluster, and show the difference',
    load: () => import('./demo.ts'),
  },
  {
    name: 'manifests',
    summary: 'print what an installation in a cluster consists of',
    load: () => import('./manifests.ts'),
  },
  {
    name: 'certs',
    summary: 'show, renew or export the certificate authority of an installation',
    load: () => import('./certs.ts'),
  },
  {
    name: 'doctor',
    summary: 'look for what is wrong with an installation, and say what to do about it',
    load: () => import('./doctor.ts'),
  },
  {
    name: 'uninstall',
    summary: 'remove an installation from a cluster, webhook configurations first',
    load: () => import('./uninstall.ts'),
  },
  {
    name: 'istio-iptables',
    summary: 'redirect the traffic of this network namespace to the proxy',
    loadForeign: () => import('./istio-iptables.ts'),
  },
  { name: 'init', summary: 'the same as istio-iptables', loadForeign: () => import('./istio-iptables.ts') },
  {
    name: 'trace-packet',
    summary: 'tell which redirection rules a packet meets, and where it ends',
    load: () => import('./trace-packet.ts'),
  },
  {
    name: 'validate',
    summary: 'check mesh resources in files, without a cluster',
    load: () => import('./validate.ts'),
  },
  {
    name: 'crds',
    summary: 'print the CustomResourceDefinitions of all mesh resources',
    load: () => import('./crds.ts'),
  },
  {
    name: 'cni-agent',
    summary: 'install the CNI plugin on this node and answer its calls',
    load: () => import('./cni-agent.ts'),
  },
]
