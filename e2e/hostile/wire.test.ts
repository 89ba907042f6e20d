import { connect } from 'node:net'
import { eventually } from '@clientele/platform/testing/wait'
import { statuses } from '../../gateway/test/wire.ts'
import { type HostileSystem, startHostileSystem } from './hostile-system.ts'
import { isAlive, residentMb } from './watch.ts'

let system: HostileSystem
let token: string
beforeAll(async () => {
  system = await startHostileSystem()
  token = (await system.person('user')).token
}, 120_000)
afterAll(() => system?.close(), 60_000)

const doors = ['gateway', 'customer-service'] as const
type Door = (typeof doors)[number]
let count = 0
const newMark = (): string => `mark-${count++}-end`

const head = (line: string, ...headers: string[]): string =>
  `${[line, 'Host: crm.example', `Authorization: Bearer ${token}`, ...headers].join('\r\n')}\r\n\r\n`
const create = JSON.stringify({ name: 'Wire', surname: 'Tap' })
/** A whole request that may not be served; `mark` would stand in the access log. */
const hidden = (mark: string): string => head('DELETE /v1/customers/x HTTP/1.1', `X-Request-Id: ${mark}`)

const servedBy = (service: string, mark: string): number =>
  system
    .log()
    .split('\n')
    .filter(
      (line) => line.includes(`"service":"${service}"`) && line.includes(mark) && line.includes('"msg":"request"'),
    ).length

/** Sends bytes; resolves with what came back when the other side closes, or nothing more comes. It never hangs unanswered. */
const knock = (door: Door, bytes: string): Promise<string> =>
  new Promise((resolve, reject) => {
    let received = ''
    let byUs = false
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(system.url(door)).port) })
    socket.setEncoding('latin1').setTimeout(8_000, () => {
      byUs = true
      socket.destroy()
    })
    socket.on('connect', () => socket.write(bytes, 'latin1'))
    socket.on('data', (chunk: string) => {
      received += chunk
      socket.setTimeout(500)
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      system.refused(received.split('\r\n\r\n')[1] ?? '')
      if (received === '' && byUs) reject(new Error('neither answered nor closed'))
      else resolve(received)
    })
  })

/** When a later request is in the log, an earlier one would be. */
const settle = async (): Promise<void> => {
  const mark = newMark()
  await system.as(token).get('/v1/customers?limit=1', { 'x-request-id': mark })
  await eventually(() => expect(servedBy('customer-service', mark)).toBe(1))
}

it('what is served stands in the log: two requests in a row are two', async () => {
  const [one, two] = [newMark(), newMark()]
  const list = (mark: string) => head('GET /v1/customers?limit=1 HTTP/1.1', `X-Request-Id: ${mark}`)
  expect(statuses(await knock('gateway', `${list(one)}${list(two)}`))).toEqual([200, 200])
  await settle()
  expect([servedBy('customer-service', one), servedBy('customer-service', two)]).toEqual([1, 1])
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
  'a sign in Content-Length': { headers: [length('+2')], body: (inner) => `{}${inner}` },
  'a hexadecimal Content-Length': { headers: [length('0x2')], body: (inner) => `{}${inner}` },
  'an overflowing Content-Length': { headers: [length('18446744073709551618')], body: (inner) => `{}${inner}` },
  'a negative Content-Length': { headers: [length(-1)], body: (inner) => `{}${inner}` },
  'two Transfer-Encodings': { headers: [chunked, 'Transfer-Encoding: identity'], body: (inner) => `0\r\n\r\n${inner}` },
  'chunked that is not last': { headers: ['Transfer-Encoding: chunked, gzip'], body: (inner) => `0\r\n\r\n${inner}` },
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
  'a chunk size in C': { headers: [chunked], body: (inner) => `0x2\r\n{}\r\n0\r\n\r\n${inner}` },
  'a chunk longer than it says': { headers: [chunked], body: (inner) => `1\r\n{}\r\n0\r\n\r\n${inner}` },
  'a bare line feed after a chunk size': { headers: [chunked], body: (inner) => `2\n{}\r\n0\r\n\r\n${inner}` },
  'a line feed in a chunk extension': { headers: [chunked], body: (inner) => `2;a\nb\r\n{}\r\n0\r\n\r\n${inner}` },
  '100 kB of chunk extensions': {
    headers: [chunked],
    body: (inner) => `2;${'a'.repeat(100_000)}\r\n{}\r\n0\r\n\r\n${inner}`,
  },
}

describe('a request inside another one', () => {
  it.each(Object.entries(attacks))('%s: refused, and the inner one is never served', async (_name, attack) => {
    for (const door of doors) {
      const [outer, inner] = [newMark(), newMark()]
      const start = head(
        'POST /v1/customers HTTP/1.1',
        'Content-Type: application/json',
        `X-Request-Id: ${outer}`,
        ...attack.headers,
      )
      const received = await knock(door, `${start}${attack.body(hidden(inner))}`)
      expect({ door, accepted: statuses(received).filter((status) => status < 400 || status >= 500) }).toEqual({
        door,
        accepted: [],
      })
      await settle()
      const served = [servedBy('gateway', inner), servedBy('customer-service', inner)]
      expect({ door, served }).toEqual({ door, served: [0, 0] })
    }
  })

  it('in the body of a POST, of a GET, after Expect, or in trailers: it stays a body', async () => {
    const inner = newMark()
    const text = hidden(inner)
    const json = ['Content-Type: application/json', 'Connection: close']
    const wanted: [string, number[]][] = [
      [`${head('POST /v1/customers HTTP/1.1', ...json, length(text.length))}${text}`, [400]],
      [`${head('POST /v1/customers HTTP/1.1', ...json, chunked)}${body(text)}`, [400]],
      [`${head('GET /v1/customers HTTP/1.1', 'Connection: close', length(text.length))}${text}`, [400]],
      [`${head('GET /v1/customers HTTP/1.1', 'Connection: close', chunked)}${body(text)}`, [400]],
      [
        `${head('POST /v1/customers HTTP/1.1', ...json, chunked, 'Trailer: Host')}${create.length.toString(16)}\r\n${create}\r\n0\r\nHost: evil\r\nX-Request-Id: ${inner}\r\n\r\n`,
        [201],
      ],
    ]
    for (const [bytes, expected] of wanted) expect(statuses(await knock('gateway', bytes))).toEqual(expected)
    await settle()
    expect([servedBy('gateway', inner), servedBy('customer-service', inner)]).toEqual([0, 0])
  })

  it.each([
    'Content-Length',
    'Transfer-Encoding',
    'Host',
    'Content-Type',
    'Authorization',
    'X-Request-Id',
    'close, Content-Length',
  ])('Connection: %s does not take that header from a request on its way to the service', async (named) => {
    const [outer, inner] = [newMark(), newMark()]
    const framing = named === 'Transfer-Encoding' ? chunked : length(create.length)
    const start = head(
      'POST /v1/customers HTTP/1.1',
      'Content-Type: application/json',
      `X-Request-Id: ${outer}`,
      `Connection: ${named}`,
      framing,
    )
    const sent = named === 'Transfer-Encoding' ? body(create) : create
    const [first] = statuses(await knock('gateway', `${start}${sent}`))
    expect([201, 400, 415]).toContain(first)
    await settle()
    expect(servedBy('customer-service', outer)).toBeLessThanOrEqual(1)
    expect(servedBy('customer-service', inner)).toBe(0)
  })
})

describe('other protocols and other targets', () => {
  const line = (text: string) => head(text, 'Connection: close')
  it.each<[string, string]>([
    ['absolute form', line('GET http://127.0.0.1/v1/users HTTP/1.1')],
    ['absolute form of the service', 'service'],
    ['an encoded slash', line('GET /v1/customers%2f..%2fusers HTTP/1.1')],
    ['double encoding', line('GET /v1/customers/%252e%252e%252fusers HTTP/1.1')],
    ['dot segments', line('GET /v1/customers/../users HTTP/1.1')],
    ['a parameter in a path', line('GET /v1/customers;/../users HTTP/1.1')],
    ['CONNECT', line('CONNECT 127.0.0.1:22 HTTP/1.1')],
    ['TRACE', line('TRACE /v1/customers HTTP/1.1')],
    ['a method nobody knows', line('BREW /v1/customers HTTP/1.1')],
    ['HTTP/2 without asking', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['HTTP/0.9', 'GET /v1/customers\r\n\r\n'],
    ['HTTP/9.9', line('GET /v1/customers HTTP/9.9')],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['two Hosts', head('GET /v1/customers HTTP/1.1', 'Host: other', 'Connection: close')],
    ['1 MB in one header', head('GET /v1/customers HTTP/1.1', `X-A: ${'a'.repeat(1_000_000)}`)],
    [
      '1 MB in many headers',
      head('GET /v1/customers HTTP/1.1', ...Array.from({ length: 20_000 }, (_, n) => `X-${n}: ${'a'.repeat(40)}`)),
    ],
    ['1 MB of address', line(`GET /v1/customers?q=${'a'.repeat(1_000_000)} HTTP/1.1`)],
  ])('%s: refused, by the gateway and by the service', async (_name, bytes) => {
    for (const door of doors) {
      const sent = bytes === 'service' ? line(`GET ${system.url('user-service')}/v1/users HTTP/1.1`) : bytes
      const received = statuses(await knock(door, sent))
      // A service alone takes the absolute form of RFC 9112, section 3.2.2, for its own address; it never goes elsewhere.
      const harmless = door === 'customer-service' && /^(?:absolute|two Hosts)/.test(_name) ? [200, 403] : []
      const wrong = received.filter(
        (status) => (status < 400 && !harmless.includes(status)) || status === 500 || status > 505,
      )
      expect({ door, wrong }).toEqual({ door, wrong: [] })
    }
  })

  it('no protocol is changed', async () => {
    for (const upgrade of ['websocket', 'h2c', 'TLS/1.0'])
      for (const door of doors) {
        const asked = head(
          'GET /v1/customers HTTP/1.1',
          `Upgrade: ${upgrade}`,
          'Connection: Upgrade, HTTP2-Settings',
          'HTTP2-Settings: AAA',
        )
        expect(statuses(await knock(door, asked))).not.toContain(101)
      }
  })
})

it('all of this leaves the processes alive and small', () => {
  for (const door of doors) {
    expect(isAlive(system.pid(door))).toBe(true)
    expect(residentMb(system.pid(door))).toBeLessThan(350)
  }
})

it('nothing secret stands in the logs and refusals of all this', () => {
  const { logLines, refusals, ...found } = system.leaks()
  expect(logLines).toBeGreaterThan(100)
  expect(refusals).toBeGreaterThan(50)
  expect(found).toEqual({ inLogs: [], inRefusals: [] })
})
