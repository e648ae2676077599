/** Brings a namespace's nftables to the rules wanted, in one transaction. */
import { ProjectError } from '../base/errors.ts'
import type { ApplyDeps } from './apply-iptables.ts'
import type { RedirectConfig } from './config.ts'
import { exitText } from './detect.ts'
import { renderRemoval, renderTransaction } from './nftables.ts'
import type { Rule } from './rule.ts'

const CHECK = 'add table inet test { comment "probe" ; }\n'
const CHECK_WITHOUT_COMMENT = 'add table inet test\n'

/**
 * Applies or removes the program.
 * @throws ProjectError REDIRECT_DETECT_FAILED when nft is missing or too old, REDIRECT_APPLY_FAILED with nft's own words
 */
export async function applyNftables(config: RedirectConfig, program: readonly Rule[], deps: ApplyDeps): Promise<void> {
  // The transaction is a check of its own: all of it or nothing.
  if (config.compat === 'istiod') await checkNft(config, deps)
  const text = renderNftables(config, program)
  const done = await deps.run('nft', ['-f', '-'], { stdin: text })
  if (done.exitCode === 0) return
  if (done.missing) throw new ProjectError('REDIRECT_DETECT_FAILED', missingText(config))
  throw new ProjectError(
    'REDIRECT_APPLY_FAILED',
    `nftables run failed: ${exitText('nft', done)}\n${done.stderr.trim()}${missingPart(done.stderr)}`,
  )
}

/** Modules by a word of the rule that the kernel did not take; all of them need nf_tables. */
const MODULES: readonly (readonly [RegExp, string])[] = [
  [/redirect/, 'nft_redir'],
  [/tproxy/, 'nft_tproxy'],
  [/\bct\b/, 'nft_ct'],
  [/type nat/, 'nft_chain_nat'],
  [/type (?:filter|route)|add table/, 'nf_tables'],
]

/** What the kernel lacks, where nft says that it does not know something that the rule needs. */
function missingPart(stderr: string): string {
  if (!/No such file or directory|Operation not supported|Protocol not supported/.test(stderr)) return ''
  const names = MODULES.filter(([word]) => word.test(stderr)).map(([, module]) => module)
  return names.length === 0 ? '' : `\nthe kernel lacks ${names.join(', ')}`
}

/** The transaction of a configuration. */
export function renderNftables(config: RedirectConfig, program: readonly Rule[]): string {
  if (config.cleanupOnly) return renderRemoval()
  return renderTransaction(program, { ipv6: config.ipv6Enabled, repeatable: config.compat === 'off' })
}

async function checkNft(config: RedirectConfig, { run }: ApplyDeps): Promise<void> {
  const printed = await run('nft', ['--version'])
  if (printed.missing) throw new ProjectError('REDIRECT_DETECT_FAILED', missingText(config))
  const version = printed.stdout.trim()
  if (version.startsWith('nftables v0.') || version.startsWith('nftables v1.0.0')) {
    throw new ProjectError('REDIRECT_DETECT_FAILED', `nft: expected version 1.0.1 or later, got ${version}`)
  }
  for (const text of [CHECK, CHECK_WITHOUT_COMMENT]) {
    const checked = await run('nft', ['--check', '-f', '-'], { stdin: text })
    if (checked.exitCode === 0) return
    if (text === CHECK_WITHOUT_COMMENT) {
      throw new ProjectError('REDIRECT_DETECT_FAILED', `nft: the kernel takes no table: ${checked.stderr.trim()}`)
    }
  }
}

function missingText({ cniMode }: RedirectConfig): string {
  const where = cniMode ? 'on the host filesystem' : 'in the sidecar container image'
  return `nativeNftables is enabled, but the nft binary is missing ${where}: could not find nftables binary: exec: "nft": executable file not found in $PATH`
}
