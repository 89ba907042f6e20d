import { png } from '../picture.ts'
import type { KnownCustomer } from './ledger.ts'
import type { Settled } from './traffic.ts'
import { ifMatch, keyFrom, unexpected, type Writer, type WriterParts } from './writers.ts'

type Conclude = (
  customer: KnownCustomer,
  verb: string,
  answer: Settled | undefined,
  change: (body: Settled['body']) => void,
) => Promise<void>

const aPicture = ({ random }: WriterParts) => png(16 + random.below(200), 16 + random.below(200))

/** Sets and removes the photo of a customer. */
export const photoSteps = (parts: WriterParts & { conclude: Conclude }) => {
  const { traffic, people, conclude } = parts
  const pathOf = ({ id }: KnownCustomer) => `/v1/customers/${id}/photo`
  return {
    put: async (customer: KnownCustomer): Promise<void> => {
      const answer = await traffic.settle({
        method: 'PUT',
        path: pathOf(customer),
        token: people.user,
        headers: { 'content-type': 'image/png', ...ifMatch(customer.version) },
        body: aPicture(parts),
      })
      await conclude(customer, 'updated', answer, (body) => {
        // After a lost answer only the product knows which of the uploads it kept.
        customer.photo = answer?.status === 200 ? body.photoMediaId : 'unknown'
      })
    },
    take: async (customer: KnownCustomer): Promise<void> => {
      const headers = ifMatch(customer.version)
      const path = pathOf(customer)
      const answer = await traffic.settle({ method: 'DELETE', path, token: people.user, headers })
      const isGone = answer?.status === 404 && answer.uncertain
      await conclude(customer, 'updated', isGone ? { ...answer, status: 412 } : answer, () => {
        customer.photo = null
      })
    },
  }
}

/** Uploads media that no customer shows. */
export const uploadWriter = (parts: WriterParts): Writer => ({
  pauseMs: 900,
  step: async () => {
    const { traffic, ledger, random, people, name } = parts
    const body = new FormData()
    body.append('file', new Blob([aPicture(parts)], { type: 'image/png' }), 'photo.png')
    const headers = { 'idempotency-key': keyFrom(random, name) }
    const answer = await traffic.settle({ method: 'POST', path: '/v1/media', token: people.user, headers, body })
    if (!answer) return
    if (answer.status !== 201) return unexpected(traffic, 'upload', answer)
    ledger.uploads.push({ id: answer.body.id, sha256: answer.body.sha256 })
  },
})
