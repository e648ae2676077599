/** The exception of YAML reading. */
import { ProjectError } from '../../base/errors.ts'

/** A text that is no YAML, or YAML that has no JSON form; the message is go-yaml's, as far as ours can be. */
export class YamlError extends ProjectError {
  constructor(message: string, cause?: unknown) {
    super('YAML_INVALID', message, { cause })
  }
}
