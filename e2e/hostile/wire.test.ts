import { connect } from 'node:net'
import { eventually } from '@clientele/platform/testing/wait'
import { statuses } from '../../gateway/test/raw-http.ts'
import { type HostileSystem, startHostileSystem } from './hostile-system.ts'
import { isAlive, residentMegabytes } from './process-probes.ts'

let system: HostileSystem
let token: string
beforeAll(async () => {
  system = await startHostileSystem()
  token = (await system.signInNewUser('user')).token
}, 120_000)
afterAll(() => system?.close(), 60_000)

const targets = ['gateway', 'customer-service'] as const
type Target = (typeof targets)[number]
let count = 0
const newRequestId = (): string => `request-${count++}-end`

const head = (line: string, ...headers: string[]): string =>
  `${[line, 'Host: localhost', `Authorization: Bearer ${token}`, ...headers].join('\r\n')}\r\n\r\n`
const create = JSON.stringify({ name: 'Wire', surname: 'Tap' })
/** A complete request to smuggle. If it were served, the access log would contain `mark`. */
const smuggledRequest = (mark: string): string => head('DELETE /v1/customers/x HTTP/1.1', `X-Request-Id: ${mark}`)

/** How often the access log of a service contains a request with that id. */
const timesServed = (service: string, mark: string): number =>
  system
    .log()
    .split('\n')
    .filter(
      (line) => line.includes(`"service":"${service}"`) && line.includes(mark) && line.includes('"msg":"request"'),
    ).length

/**
 * Sends bytes on a new connection. @returns what was received when the other side closes, or after half a second without data
 * @throws Error if the other side neither responds nor closes within 8 s
 */
const sendRaw = (target: Target, bytes: string): Promise<string> =>
  new Promise((resolve, reject) => {
    let received = ''
    let timedOut = false
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(system.url(target)).port) })
    socket.setEncoding('latin1').setTimeout(8_000, () => {
      timedOut = true
      socket.destroy()
    })
    socket.on('connect', () => socket.write(bytes, 'latin1'))
    socket.on('data', (chunk: string) => {
      received += chunk
      socket.setTimeout(500)
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      system.addErrorResponse(received.split('\r\n\r\n')[1] ?? '')
      if (received === '' && timedOut) reject(new Error('neither responded nor closed the connection'))
      else resolve(received)
    })
  })

/** Waits until a later request is in the log; then an earlier one would be, too. */
const untilLogged = async (): Promise<void> => {
  const mark = newRequestId()
  await system.as(token).get('/v1/customers?limit=1', { 'x-request-id': mark })
  await eventually(() => expect(timesServed('customer-service', mark)).toBe(1))
}

it('the log contains both of two pipelined requests', async () => {
  const [one, two] = [newRequestId(), newRequestId()]
  const list = (mark: string) => head('GET /v1/customers?limit=1 HTTP/1.1', `X-Request-Id: ${mark}`)
  expect(statuses(await sendRaw('gateway', `${list(one)}${list(two)}`))).toEqual([200, 200])
  await untilLogged()
  expect([timesServed('customer-service', one), timesServed('customer-service', two)]).toEqual([1, 1])
})

const chunked = 'Transfer-Encoding: chunked'
const length = (value: number | string) => `Content-Length: ${value}`
const body = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`

type Attack = { headers: string[]; body: (inner: string) => string }
const attacks: Record<string, Attack> = {
  'Content-Length before Transfer-Encoding': { headers: [length(5), chunked], body: (inner) => `0\r\n\r\n${inner}` },
  'Transfer-Encoding before Content-Length': {
    headers: [chunked, length(4)],
    body: (inner) => `5c\r\n${inner}\r\n0\r\n\r\n`,
  },
  'two Content-Lengths': { headers: [length(2), length(200)], body: (inner) => `{}${inner}` },
  'two equal Content-Lengths': { headers: [length(2), length(2)], body: (inner) => `{}${inner}` },
  'a list as Content-Length': { headers: [length('2, 2')], body: (inner) => `{}${inner}` },
  'a plus sign in Content-Length': { headers: [length('+2')], body: (inner) => `{}${inner}` },
  'a hexadecimal Content-Length': { headers: [length('0x2')], body: (inner) => `{}${inner}` },
  'an overflowing Content-Length': { headers: [length('18446744073709551618')], body: (inner) => `{}${inner}` },
  'a negative Content-Length': { headers: [length(-1)], body: (inner) => `{}${inner}` },
  'two Transfer-Encodings': { headers: [chunked, 'Transfer-Encoding: identity'], body: (inner) => `0\r\n\r\n${inner}` },
  'chunked before another coding': {
    headers: ['Transfer-Encoding: chunked, gzip'],
    body: (inner) => `0\r\n\r\n${inner}`,
  },
  'an unknown Transfer-Encoding': { headers: ['Transfer-Encoding: xchunked'], body: (inner) => `0\r\n\r\n${inner}` },
  'a vertical tab before chunked': {
    headers: ['Transfer-Encoding: \x0bchunked'],
    body: (inner) => `0\r\n\r\n${inner}`,
  },
  'a space before the colon': {
    headers: ['Transfer-Encoding : chunked', length(5)],
    body: (inner) => `0\r\n\r\n${inner}`,
  },
  'a folded Transfer-Encoding': {
    headers: ['Transfer-Encoding:\r\n chunked', length(5)],
    body: (inner) => `0\r\n\r\n${inner}`,
  },
  'a bare line feed': { headers: [`X: 1\n${chunked}`, length(5)], body: (inner) => `0\r\n\r\n${inner}` },
  'a bare carriage return': { headers: [`X: 1\r${chunked}`, length(5)], body: (inner) => `0\r\n\r\n${inner}` },
  'NUL in a header': { headers: ['X: a\0b', length(2)], body: (inner) => `{}${inner}` },
  'a chunk size that overflows': {
    headers: [chunked],
    body: (inner) => `10000000000000002\r\n{}\r\n0\r\n\r\n${inner}`,
  },
  'a negative chunk size': { headers: [chunked], body: (inner) => `-2\r\n{}\r\n0\r\n\r\n${inner}` },
  'a chunk size with 0x': { headers: [chunked], body: (inner) => `0x2\r\n{}\r\n0\r\n\r\n${inner}` },
  'a chunk that is longer than its size': { headers: [chunked], body: (inner) => `1\r\n{}\r\n0\r\n\r\n${inner}` },
  'a bare line feed after a chunk size': { headers: [chunked], body: (inner) => `2\n{}\r\n0\r\n\r\n${inner}` },
  'a line feed in a chunk extension': { headers: [chunked], body: (inner) => `2;a\nb\r\n{}\r\n0\r\n\r\n${inner}` },
  '100 kB of chunk extensions': {
    headers: [chunked],
    body: (inner) => `2;${'a'.repeat(100_000)}\r\n{}\r\n0\r\n\r\n${inner}`,
  },
}

describe('Request smuggling', () => {
  it.each(Object.entries(attacks))(
    'a request with %s is refused, and the smuggled request is not served',
    async (_name, attack) => {
      for (const target of targets) {
        const [outer, inner] = [newRequestId(), newRequestId()]
        const start = head(
          'POST /v1/customers HTTP/1.1',
          'Content-Type: application/json',
          `X-Request-Id: ${outer}`,
          ...attack.headers,
        )
        const received = await sendRaw(target, `${start}${attack.body(smuggledRequest(inner))}`)
        expect({ target, accepted: statuses(received).filter((status) => status < 400 || status >= 500) }).toEqual({
          target,
          accepted: [],
        })
        await untilLogged()
        const served = [timesServed('gateway', inner), timesServed('customer-service', inner)]
        expect({ target, served }).toEqual({ target, served: [0, 0] })
      }
    },
  )

  it('a request in the body of a POST, the body of a GET, or in trailers is not served', async () => {
    const inner = newRequestId()
    const text = smuggledRequest(inner)
    const json = ['Content-Type: application/json', 'Connection: close']
    const requests: [string, number[]][] = [
      [`${head('POST /v1/customers HTTP/1.1', ...json, length(text.length))}${text}`, [400]],
      [`${head('POST /v1/customers HTTP/1.1', ...json, chunked)}${body(text)}`, [400]],
      [`${head('GET /v1/customers HTTP/1.1', 'Connection: close', length(text.length))}${text}`, [400]],
      [`${head('GET /v1/customers HTTP/1.1', 'Connection: close', chunked)}${body(text)}`, [400]],
      [
        `${head('POST /v1/customers HTTP/1.1', ...json, chunked, 'Trailer: Host')}${create.length.toString(16)}\r\n${create}\r\n0\r\nHost: evil\r\nX-Request-Id: ${inner}\r\n\r\n`,
        [201],
      ],
    ]
    for (const [bytes, expected] of requests) expect(statuses(await sendRaw('gateway', bytes))).toEqual(expected)
    await untilLogged()
    expect([timesServed('gateway', inner), timesServed('customer-service', inner)]).toEqual([0, 0])
  })

  it.each([
    'Content-Length',
    'Transfer-Encoding',
    'Host',
    'Content-Type',
    'Authorization',
    'X-Request-Id',
    'close, Content-Length',
  ])('Connection: %s does not make the gateway drop a header that the service needs', async (named) => {
    const [outer, inner] = [newRequestId(), newRequestId()]
    const framing = named === 'Transfer-Encoding' ? chunked : length(create.length)
    const start = head(
      'POST /v1/customers HTTP/1.1',
      'Content-Type: application/json',
      `X-Request-Id: ${outer}`,
      `Connection: ${named}`,
      framing,
    )
    const sent = named === 'Transfer-Encoding' ? body(create) : create
    const [first] = statuses(await sendRaw('gateway', `${start}${sent}`))
    expect([201, 400, 415]).toContain(first)
    await untilLogged()
    expect(timesServed('customer-service', outer)).toBeLessThanOrEqual(1)
    expect(timesServed('customer-service', inner)).toBe(0)
  })
})

describe('Other protocols and request targets', () => {
  const line = (text: string) => head(text, 'Connection: close')
  it.each<[string, string]>([
    ['a target in absolute form', line('GET http://127.0.0.1/v1/users HTTP/1.1')],
    ['a target in absolute form with the address of another service', 'service'],
    ['a path with an encoded slash', line('GET /v1/customers%2f..%2fusers HTTP/1.1')],
    ['a path with double encoding', line('GET /v1/customers/%252e%252e%252fusers HTTP/1.1')],
    ['a path with dot segments', line('GET /v1/customers/../users HTTP/1.1')],
    ['a path parameter', line('GET /v1/customers;/../users HTTP/1.1')],
    ['CONNECT', line('CONNECT 127.0.0.1:22 HTTP/1.1')],
    ['TRACE', line('TRACE /v1/customers HTTP/1.1')],
    ['an unknown method', line('BREW /v1/customers HTTP/1.1')],
    ['HTTP/2 with prior knowledge', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['HTTP/0.9', 'GET /v1/customers\r\n\r\n'],
    ['HTTP/9.9', line('GET /v1/customers HTTP/9.9')],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['a request with two Host headers', head('GET /v1/customers HTTP/1.1', 'Host: 127.0.0.1', 'Connection: close')],
    ['a header of 1 MB', head('GET /v1/customers HTTP/1.1', `X-A: ${'a'.repeat(1_000_000)}`)],
    [
      '20,000 headers of 1 MB together',
      head('GET /v1/customers HTTP/1.1', ...Array.from({ length: 20_000 }, (_, n) => `X-${n}: ${'a'.repeat(40)}`)),
    ],
    ['a request target of 1 MB', line(`GET /v1/customers?q=${'a'.repeat(1_000_000)} HTTP/1.1`)],
  ])('%s is refused by the gateway and by the service', async (_name, bytes) => {
    for (const target of targets) {
      const sent = bytes === 'service' ? line(`GET ${system.url('user-service')}/v1/users HTTP/1.1`) : bytes
      const received = statuses(await sendRaw(target, sent))
      // A service accepts the absolute form (RFC 9112, section 3.2.2), but serves it itself and never forwards it.
      const allowed =
        target === 'customer-service' && /^(?:a target in absolute|a request with two Host)/.test(_name)
          ? [200, 403]
          : []
      const unexpected = received.filter(
        (status) => (status < 400 && !allowed.includes(status)) || status === 500 || status > 505,
      )
      expect({ target, unexpected }).toEqual({ target, unexpected: [] })
    }
  })

  it('a request to upgrade the protocol does not get 101', async () => {
    for (const upgrade of ['websocket', 'h2c', 'TLS/1.0'])
      for (const target of targets) {
        const request = head(
          'GET /v1/customers HTTP/1.1',
          `Upgrade: ${upgrade}`,
          'Connection: Upgrade, HTTP2-Settings',
          'HTTP2-Settings: AAA',
        )
        expect(statuses(await sendRaw(target, request))).not.toContain(101)
      }
  })
})

it('gateway and service still run, each with less than 350 MB of memory', () => {
  for (const target of targets) {
    expect(isAlive(system.pid(target))).toBe(true)
    expect(residentMegabytes(system.pid(target))).toBeLessThan(350)
  }
})

it('logs and error responses contain no secrets', () => {
  const { logLines, errorResponses, ...found } = system.findLeaks()
  expect(logLines).toBeGreaterThan(100)
  expect(errorResponses).toBeGreaterThan(50)
  expect(found).toEqual({ inLogs: [], inErrorResponses: [] })
})
