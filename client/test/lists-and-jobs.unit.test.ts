import { createClient } from '../src/index.ts'
import { type Reply, type StubApi, startStubApi } from './stub-api.ts'

let api: StubApi
afterEach(() => api?.stop())

const start = async (...replies: Reply[]) => {
  api = await startStubApi(replies)
  return createClient({ baseUrl: api.url })
}
const pageOf = (ids: string[], nextCursor: string | null): Reply => ({
  status: 200,
  body: { data: ids.map((id) => ({ id })), page: { nextCursor } },
})
const job = (status: string): Reply => ({ status: 200, body: { id: 'j', status } })

describe('Lists of the client', () => {
  it('a list reads page after page with the cursor of the one before, and keeps the filters', async () => {
    const clientele = await start(pageOf(['a', 'b'], 'next'), pageOf(['c'], null))
    const ids = []
    for await (const { id } of clientele.customers.list({ tag: 'vip' })) ids.push(id)
    expect(ids).toEqual(['a', 'b', 'c'])
    expect(api.received.map(({ path }) => path)).toEqual([
      '/v1/customers?limit=200&total=none&tag=vip',
      '/v1/customers?limit=200&total=none&tag=vip&cursor=next',
    ])
  })

  it('a list reads no further page when the loop ends', async () => {
    const clientele = await start(pageOf(['a', 'b'], 'next'))
    for await (const { id } of clientele.products.stockMovements('p', { limit: 2 })) if (id === 'b') break
    expect(api.received.map(({ path }) => path)).toEqual(['/v1/products/p/stock-movements?limit=2&total=none'])
  })
})

describe('Jobs of the client', () => {
  it('wait reads a job until it has ended, and reports each state', async () => {
    const clientele = await start(job('queued'), job('running'), job('failed'))
    const states: string[] = []
    const ended = await clientele.jobs.wait('j', { onProgress: ({ status }) => states.push(status) })
    expect(ended.status).toBe('failed')
    expect(states).toEqual(['queued', 'running', 'failed'])
  })

  it('wait ends with timed_out after its timeout, and with the reason of its signal', async () => {
    const clientele = await start(job('running'))
    await expect(clientele.orderJobs.wait('j', { timeoutMs: 100 })).rejects.toMatchObject({
      code: 'timed_out',
      message: 'the job j still runs after 100 ms',
    })
    const signal = AbortSignal.abort(new Error('left the page'))
    await expect(clientele.orderJobs.wait('j', { signal })).rejects.toThrow('left the page')
  })

  it('a download is the response itself', async () => {
    const clientele = await start((res) => res.writeHead(200, { 'content-type': 'text/csv' }).end('id\n1\n'))
    expect(await (await clientele.jobs.download('j')).text()).toBe('id\n1\n')
  })
})
