/** Answers that are no review: plain text, in the form Go's http.Error gives them. */
import type { FastifyReply } from 'fastify'

/** istiod: the text ends in a newline, and the two headers are these. */
export function sendText(reply: FastifyReply, status: number, text: string): void {
  reply
    .code(status)
    .header('content-type', 'text/plain; charset=utf-8')
    .header('x-content-type-options', 'nosniff')
    .send(`${text}\n`)
}
