import type { KnownCustomer } from './ledger.ts'
import { photoSteps } from './photo-steps.ts'
import type { Settled } from './traffic.ts'
import { ifMatch, json, keyFrom, unexpected, type Writer, type WriterParts } from './writers.ts'

const mostOwn = 40

/**
 * Creates, changes, trashes, restores and purges customers that nobody else writes to, so that what each must look like in
 * the end is known. A change whose answer was lost is sent again under its key or its version: that tells whether it was made.
 */
export const customerWriter = (parts: WriterParts): Writer => {
  const { traffic, ledger, random, people, name } = parts
  const { user, admin } = people
  const own: KnownCustomer[] = []
  let marks = 0
  const nextMark = (): string => `${name}-${++marks}`

  /** Whether a change that may have been made was made: one version further. */
  const wasMade = async (customer: KnownCustomer): Promise<boolean> => {
    const answer = await traffic.settle({ method: 'GET', path: `/v1/customers/${customer.id}`, token: user })
    return answer?.status === 200 && answer.body.version === customer.version + 1
  }
  const lost = (customer: KnownCustomer): void => {
    customer.known = false
  }
  const conclude = async (
    customer: KnownCustomer,
    verb: string,
    answer: Settled | undefined,
    change: (body: KnownCustomer['version'] extends number ? Settled['body'] : never) => void,
  ): Promise<void> => {
    if (!answer) return lost(customer)
    const repeated = answer.uncertain && answer.status === (verb === 'deleted' || verb === 'purged' ? 404 : 412)
    if (answer.status >= 300 && !repeated) return unexpected(traffic, `${verb} ${customer.id}`, answer)
    if (answer.status === 412 && !(await wasMade(customer)))
      return unexpected(traffic, `${verb} ${customer.id}, which is in another version`, answer)
    ledger.applied(customer, verb)
    change(answer.body)
    const version: unknown = answer.status < 300 ? answer.body?.version : undefined
    if (version !== undefined && version !== customer.version)
      traffic.violation(`${verb} ${customer.id}: version ${String(version)} where ${customer.version} was due`)
  }

  const create = async (): Promise<void> => {
    const mark = nextMark()
    const headers = { ...json, 'idempotency-key': keyFrom(random, name) }
    const body = JSON.stringify({ name: 'Steady', surname: name, email: `${mark}@load.example`, metadata: { mark } })
    const answer = await traffic.settle({ method: 'POST', path: '/v1/customers', token: user, headers, body })
    if (!answer) return
    if (answer.status !== 201) return unexpected(traffic, 'create a customer', answer)
    const customer: KnownCustomer = { id: answer.body.id, version: 0, state: 'active', mark, photo: null, known: true }
    own.push(customer)
    ledger.customers.push(customer)
    ledger.applied(customer, 'created')
  }

  const patch = async (customer: KnownCustomer): Promise<void> => {
    const mark = nextMark()
    const headers = { ...json, ...ifMatch(customer.version) }
    const body = JSON.stringify({ metadata: { mark }, tags: [`t${random.below(5)}`] })
    const path = `/v1/customers/${customer.id}`
    await conclude(
      customer,
      'updated',
      await traffic.settle({ method: 'PATCH', path, token: user, headers, body }),
      () => {
        customer.mark = mark
      },
    )
  }

  const trash = async (customer: KnownCustomer): Promise<void> => {
    const path = `/v1/customers/${customer.id}`
    const headers = ifMatch(customer.version)
    await conclude(customer, 'deleted', await traffic.settle({ method: 'DELETE', path, token: user, headers }), () => {
      customer.state = 'trash'
    })
  }

  const restore = async (customer: KnownCustomer): Promise<void> => {
    const path = `/v1/customers/${customer.id}/restore`
    const headers = { 'idempotency-key': keyFrom(random, name) }
    await conclude(customer, 'restored', await traffic.settle({ method: 'POST', path, token: user, headers }), () => {
      customer.state = 'active'
    })
  }

  const purge = async (customer: KnownCustomer): Promise<void> => {
    const path = `/v1/customers/${customer.id}?purge=true`
    const headers = ifMatch(customer.version)
    await conclude(customer, 'purged', await traffic.settle({ method: 'DELETE', path, token: admin, headers }), () => {
      customer.state = 'purged'
    })
  }

  const { put, take } = photoSteps({ ...parts, conclude })

  return {
    pauseMs: 250,
    step: async () => {
      const usable = own.filter(({ state, known }) => known && state !== 'purged')
      if (usable.length < 3) return create()
      const customer = random.pick(usable)
      const dice = random.next()
      if (customer.state === 'trash') return dice < 0.2 ? purge(customer) : restore(customer)
      if (dice < 0.3 && own.length < mostOwn * 50) return create()
      if (dice < 0.66) return patch(customer)
      if (dice < 0.8) return trash(customer)
      if (dice < 0.92) return put(customer)
      if (customer.photo !== null) return take(customer)
      return void (await traffic.settle({ method: 'GET', path: '/v1/customers?limit=5', token: user }))
    },
  }
}
