import type { CustomerState } from './ledger.ts'
import { photoSteps } from './photo-steps.ts'
import type { FinalResponse } from './traffic.ts'
import { ifMatch, jsonHeaders, newIdempotencyKey, reportUnexpected, type Writer, type WriterContext } from './writer.ts'

const maxOwn = 40

/**
 * Creates, changes, deletes, restores and purges customers. Nobody else writes to them, so the expected end state of each is
 * known. A change whose response was lost is sent again with the same idempotency key or `If-Match`; the second response shows
 * whether the first attempt was applied.
 */
export const customerWriter = (context: WriterContext): Writer => {
  const { traffic, ledger, random, tokens, name } = context
  const { user, admin } = tokens
  const own: CustomerState[] = []
  let marks = 0
  const nextMark = (): string => `${name}-${++marks}`

  /** Whether an uncertain change was applied: the version is then one higher. */
  const wasApplied = async (customer: CustomerState): Promise<boolean> => {
    const response = await traffic.sendWithRetry({ method: 'GET', path: `/v1/customers/${customer.id}`, token: user })
    return response?.status === 200 && response.body.version === customer.version + 1
  }
  const markUncertain = (customer: CustomerState): void => {
    customer.certain = false
  }
  /** Records an acknowledged change in the ledger. 404 or 412 after a lost response means that the change was applied. */
  const recordResult = async (
    customer: CustomerState,
    verb: string,
    response: FinalResponse | undefined,
    change: (body: CustomerState['version'] extends number ? FinalResponse['body'] : never) => void,
  ): Promise<void> => {
    if (!response) return markUncertain(customer)
    const repeated = response.uncertain && response.status === (verb === 'deleted' || verb === 'purged' ? 404 : 412)
    if (response.status >= 300 && !repeated) return reportUnexpected(traffic, `${verb} ${customer.id}`, response)
    if (response.status === 412 && !(await wasApplied(customer)))
      return reportUnexpected(traffic, `${verb} ${customer.id}: another version`, response)
    ledger.addChange(customer, verb)
    change(response.body)
    const version: unknown = response.status < 300 ? response.body?.version : undefined
    if (version !== undefined && version !== customer.version)
      traffic.addViolation(`${verb} ${customer.id}: version ${String(version)} instead of ${customer.version}`)
  }

  const create = async (): Promise<void> => {
    const mark = nextMark()
    const headers = { ...jsonHeaders, 'idempotency-key': newIdempotencyKey(random, name) }
    const body = JSON.stringify({ name: 'Steady', surname: name, email: `${mark}@load.example`, metadata: { mark } })
    const response = await traffic.sendWithRetry({ method: 'POST', path: '/v1/customers', token: user, headers, body })
    if (!response) return
    if (response.status !== 201) return reportUnexpected(traffic, 'create a customer', response)
    const customer: CustomerState = {
      id: response.body.id,
      version: 0,
      state: 'active',
      mark,
      photo: null,
      certain: true,
    }
    own.push(customer)
    ledger.customers.push(customer)
    ledger.addChange(customer, 'created')
  }

  const patch = async (customer: CustomerState): Promise<void> => {
    const mark = nextMark()
    const headers = { ...jsonHeaders, ...ifMatch(customer.version) }
    const body = JSON.stringify({ metadata: { mark }, tags: [`t${random.below(5)}`] })
    const path = `/v1/customers/${customer.id}`
    await recordResult(
      customer,
      'updated',
      await traffic.sendWithRetry({ method: 'PATCH', path, token: user, headers, body }),
      () => {
        customer.mark = mark
      },
    )
  }

  const moveToTrash = async (customer: CustomerState): Promise<void> => {
    const path = `/v1/customers/${customer.id}`
    const headers = ifMatch(customer.version)
    await recordResult(
      customer,
      'deleted',
      await traffic.sendWithRetry({ method: 'DELETE', path, token: user, headers }),
      () => {
        customer.state = 'trash'
      },
    )
  }

  const restore = async (customer: CustomerState): Promise<void> => {
    const path = `/v1/customers/${customer.id}/restore`
    const headers = { 'idempotency-key': newIdempotencyKey(random, name) }
    await recordResult(
      customer,
      'restored',
      await traffic.sendWithRetry({ method: 'POST', path, token: user, headers }),
      () => {
        customer.state = 'active'
      },
    )
  }

  const purge = async (customer: CustomerState): Promise<void> => {
    const path = `/v1/customers/${customer.id}?purge=true`
    const headers = ifMatch(customer.version)
    await recordResult(
      customer,
      'purged',
      await traffic.sendWithRetry({ method: 'DELETE', path, token: admin, headers }),
      () => {
        customer.state = 'purged'
      },
    )
  }

  const { setPhoto, removePhoto } = photoSteps({ ...context, recordResult })

  return {
    pauseMs: 250,
    step: async () => {
      const usable = own.filter(({ state, certain }) => certain && state !== 'purged')
      if (usable.length < 3) return create()
      const customer = random.pick(usable)
      const dice = random.next()
      if (customer.state === 'trash') return dice < 0.2 ? purge(customer) : restore(customer)
      if (dice < 0.3 && own.length < maxOwn * 50) return create()
      if (dice < 0.66) return patch(customer)
      if (dice < 0.8) return moveToTrash(customer)
      if (dice < 0.92) return setPhoto(customer)
      if (customer.photo !== null) return removePhoto(customer)
      return void (await traffic.sendWithRetry({ method: 'GET', path: '/v1/customers?limit=5', token: user }))
    },
  }
}
