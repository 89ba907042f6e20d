import { createPng } from '../png-image.ts'
import type { CustomerState } from './ledger.ts'
import type { FinalResponse } from './traffic.ts'
import { ifMatch, newIdempotencyKey, reportUnexpected, type Writer, type WriterContext } from './writer.ts'

type RecordResult = (
  customer: CustomerState,
  verb: string,
  response: FinalResponse | undefined,
  change: (body: FinalResponse['body']) => void,
) => Promise<void>

const randomImage = ({ random }: WriterContext) => createPng(16 + random.below(200), 16 + random.below(200))

/** Steps of a customer writer that set and remove the photo of a customer. */
export const photoSteps = (context: WriterContext & { recordResult: RecordResult }) => {
  const { traffic, tokens, recordResult } = context
  const pathOf = ({ id }: CustomerState) => `/v1/customers/${id}/photo`
  return {
    setPhoto: async (customer: CustomerState): Promise<void> => {
      const response = await traffic.sendWithRetry({
        method: 'PUT',
        path: pathOf(customer),
        token: tokens.user,
        headers: { 'content-type': 'image/png', ...ifMatch(customer.version) },
        body: randomImage(context),
      })
      await recordResult(customer, 'updated', response, (body) => {
        // After a lost response only the product knows which upload it kept.
        customer.photo = response?.status === 200 ? body.photoMediaId : 'unknown'
      })
    },
    removePhoto: async (customer: CustomerState): Promise<void> => {
      const headers = ifMatch(customer.version)
      const path = pathOf(customer)
      const response = await traffic.sendWithRetry({ method: 'DELETE', path, token: tokens.user, headers })
      const wasRemoved = response?.status === 404 && response.uncertain
      await recordResult(customer, 'updated', wasRemoved ? { ...response, status: 412 } : response, () => {
        customer.photo = null
      })
    },
  }
}

/** Uploads images that no customer shows. */
export const uploadWriter = (context: WriterContext): Writer => ({
  pauseMs: 900,
  step: async () => {
    const { traffic, ledger, random, tokens, name } = context
    const body = new FormData()
    body.append('file', new Blob([randomImage(context)], { type: 'image/png' }), 'photo.png')
    const headers = { 'idempotency-key': newIdempotencyKey(random, name) }
    const response = await traffic.sendWithRetry({
      method: 'POST',
      path: '/v1/media',
      token: tokens.user,
      headers,
      body,
    })
    if (!response) return
    if (response.status !== 201) return reportUnexpected(traffic, 'upload', response)
    ledger.uploads.push({ id: response.body.id, sha256: response.body.sha256 })
  },
})
