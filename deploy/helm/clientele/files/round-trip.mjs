// Run by `helm test`: signs in, and creates, finds, updates and deletes a customer with a photo through the gateway.
const { GATEWAY_URL, TOKEN_URL, USERNAME, PASSWORD, CLIENT_ID, CLIENT_SECRET } = process.env

const timeoutMs = 15_000
const photo = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAbElEQVR4nA3NgQAAMAwDwZgEpShF6ZsUJShV2U7gJGFRosWIFREnJGNTps2YNTFnpMJFFV1MsUWKK6TGTTXdTLNNmmukwUMNPcywQ4abfyxeaullll2y3P4jOFToMGFDwuUfh486+phjjxx3PJ2TV5EdeL7yAAAAAElFTkSuQmCC',
  'base64',
)

const request = async (method, path, { token, json, body, headers = {}, expected = 200 } = {}) => {
  const response = await fetch(path.startsWith('http') ? path : `${GATEWAY_URL}${path}`, {
    method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(json && { 'content-type': 'application/json' }),
      ...headers,
    },
    body: json ? JSON.stringify(json) : body,
    signal: AbortSignal.timeout(timeoutMs),
  })
  const text = await response.text()
  if (response.status !== expected)
    throw new Error(`${method} ${path} returned ${response.status} instead of ${expected}: ${text.slice(0, 400)}`)
  const isJson = response.headers.get('content-type')?.includes('json')
  return { body: isJson ? JSON.parse(text) : text, etag: response.headers.get('etag') ?? '' }
}

const signIn = async () => {
  if (!TOKEN_URL) {
    const { body } = await request('POST', '/v1/auth/login', { json: { username: USERNAME, password: PASSWORD } })
    return body.accessToken
  }
  const fields = { grant_type: 'client_credentials', client_id: CLIENT_ID, client_secret: CLIENT_SECRET }
  const { body } = await request('POST', TOKEN_URL, { body: new URLSearchParams(fields) })
  return body.access_token
}

const expectEqual = (actual, expected, what) => {
  if (actual !== expected) throw new Error(`${what} is ${actual}, not ${expected}`)
}

const mark = `helm-test-${Date.now().toString(36)}`
let token
let customer

const steps = {
  'the gateway is ready': () => request('GET', '/health/ready'),
  'rejects a request without a token': () => request('GET', '/v1/customers', { expected: 401 }),
  'signs in': async () => {
    token = await signIn()
  },
  'creates a customer with a photo': async () => {
    const form = new FormData()
    form.set('name', 'Helm')
    form.set('surname', mark)
    form.set('photo', new Blob([photo], { type: 'image/png' }), 'photo.png')
    customer = (await request('POST', '/v1/customers', { token, body: form, expected: 201 })).body
  },
  'finds the customer with a filter': async () => {
    const { body } = await request('GET', `/v1/customers?surname=${mark}`, { token })
    expectEqual(body.data[0]?.id, customer.id, 'the customer found')
  },
  'reads the photo through its signed link': async () => {
    const { pathname, search } = new URL(customer.photoUrl, GATEWAY_URL)
    const link = `${GATEWAY_URL}${pathname}${search}`
    const response = await fetch(link, { signal: AbortSignal.timeout(timeoutMs) })
    expectEqual(response.status, 200, 'the status of the photo')
    expectEqual(response.headers.get('content-type')?.split('/')[0], 'image', 'the type of the photo')
    await response.body?.cancel()
  },
  'rejects the second update with the same If-Match': async () => {
    const { etag } = await request('GET', `/v1/customers/${customer.id}`, { token })
    const headers = { 'if-match': etag }
    await request('PATCH', `/v1/customers/${customer.id}`, { token, json: { name: 'Helmut' }, headers })
    await request('PATCH', `/v1/customers/${customer.id}`, { token, json: { name: 'No' }, headers, expected: 412 })
  },
  'moves the customer to the trash': async () => {
    await request('DELETE', `/v1/customers/${customer.id}`, { token, expected: 204 })
    await request('GET', `/v1/customers/${customer.id}`, { token, expected: 404 })
  },
}

for (const [name, step] of Object.entries(steps)) {
  try {
    await step()
    console.log(`ok    ${name}`)
  } catch (error) {
    console.log(`FAIL  ${name}: ${error.message}`)
    process.exit(1)
  }
}
