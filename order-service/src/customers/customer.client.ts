import { Customer } from '@clientele/contracts/customer'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { onBehalfOf } from '@clientele/platform/http/caller-headers'
import { Problem } from '@clientele/platform/runtime/problem'
import type { Dispatcher } from 'undici'
import type { CustomerState } from './customer.projection.ts'

export type CustomerClient = {
  /** A customer that is not in the trash. @throws Problem 503 where customer-service gives no answer */
  find(id: string, actor: Actor): Promise<CustomerState | undefined>
  close(): Promise<void>
}

type Options = { customerServiceUrl: string }

const Known = Customer.pick({ id: true, version: true })
const connectMs = 2_000
const answerMs = 4_000
const maxAnswerBytes = 1_000_000

const unavailable = (cause: unknown) =>
  new Problem('unavailable', {
    detail: 'the customer is not known here yet, and customer-service does not answer',
    headers: { 'Retry-After': '5' },
    cause,
  })

/** Asks customer-service in the name of the user, with the token that the user sent. */
export const createCustomerClient = ({ customerServiceUrl }: Options): CustomerClient => {
  let opened: Dispatcher | undefined
  // Loaded with the first call: few orders name a customer that no event has told of.
  const get = async (path: string, headers: Record<string, string>) => {
    const undici = await import('undici')
    opened ??= new undici.Agent({
      connections: 10,
      connect: { timeout: connectMs },
      headersTimeout: answerMs,
      bodyTimeout: answerMs,
      maxResponseSize: maxAnswerBytes,
    })
    const signal = AbortSignal.timeout(answerMs)
    return undici.request(`${customerServiceUrl}${path}`, { headers, signal, dispatcher: opened })
  }

  const ask = async (id: string, actor: Actor): Promise<CustomerState | undefined> => {
    const { statusCode, body } = await get(`/v1/customers/${id}`, onBehalfOf(actor))
    if (statusCode === 200) return { ...Known.parse(await body.json()), state: 'active' }
    await body.dump()
    if (statusCode === 404) return undefined
    throw new Error(`customer-service answered ${statusCode}`)
  }

  return {
    find: (id, actor) =>
      ask(id, actor).catch((error: unknown) => {
        throw unavailable(error)
      }),
    close: async () => opened?.destroy(),
  }
}
