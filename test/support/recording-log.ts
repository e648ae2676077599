/** A log that remembers its lines. */
import type { Log, LogFields } from '../../src/base/log.ts'

export interface RecordingLog extends Log {
  readonly lines: { readonly level: string; readonly fields: LogFields; readonly text: string }[]
}

export function createRecordingLog(): RecordingLog {
  const lines: RecordingLog['lines'] = []
  const at = (level: string) => (fields: LogFields, text: string) => {
    lines.push({ level, fields, text })
  }
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
