/** The exception of typed decoding, quantities and merges: JSON that Go's types would refuse. */
import { ProjectError } from '../../base/errors.ts'

/** Refused JSON; the message is the text Go's decoder, or the type's own reader, gives. */
export class ModelError extends ProjectError {
  constructor(message: string) {
    super('MODEL_INVALID', message)
  }
}
