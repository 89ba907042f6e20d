import { actor, customerId, exampleLinks, exampleStamps, mediaId, productId } from './shared.ts'

const fields = {
  sku: 'RB-250',
  name: 'Red Bull 250 ml',
  description: 'A can of 250 ml',
  price: '1.50',
  stock: 100,
  lowStockAt: 20,
  active: true,
}
const orderId = '0190a5c4-6f00-7000-8000-000000000020'
const line = { description: 'Delivery within a day', unitPrice: '4.90', quantity: 1 }

const notification = {
  id: '0190a5c4-6f00-7000-8000-000000000040',
  channel: 'sms',
  to: '+254711***111',
  template: 'order-placed',
  locale: 'en',
  status: 'delivered',
  provider: 'africastalking',
  reason: null,
  fallbackReason: null,
  cost: 'KES 0.8000',
  attempts: 1,
  orderId,
  orderNumber: 'ORD-000123',
  customerId,
  customer: { id: customerId, code: 'CUS-000123', displayName: 'Ana Lovelace' },
  createdAt: '2026-11-20T09:30:01.000Z',
  sentAt: '2026-11-20T09:30:02.000Z',
  deliveredAt: '2026-11-20T09:30:05.000Z',
  updatedAt: '2026-11-20T09:30:05.000Z',
  version: 3,
}

const product = {
  id: productId,
  ...fields,
  currency: 'EUR',
  photoMediaId: mediaId,
  ...exampleLinks,
  ...exampleStamps,
  deletedAt: null,
}
const order = {
  id: orderId,
  number: 'ORD-000123',
  customerId,
  customer: { id: customerId, code: 'CUS-000123', displayName: 'Ana Lovelace' },
  status: 'placed',
  lines: [
    {
      id: '0190a5c4-6f00-7000-8000-000000000021',
      productId,
      description: fields.name,
      quantity: 15,
      unitPrice: '1.50',
      lineTotal: '22.50',
    },
    { id: '0190a5c4-6f00-7000-8000-000000000022', productId: null, ...line, lineTotal: '4.90' },
  ],
  total: '27.40',
  currency: 'EUR',
  note: 'Ring twice',
  metadata: { channel: 'web' },
  placedAt: '2026-11-20T09:30:00.000Z',
  fulfilledAt: null,
  cancelledAt: null,
  createdBy: actor,
  updatedAt: '2026-11-20T09:30:00.000Z',
  updatedBy: actor,
  version: 1,
}

export const orderExamples = {
  NewProduct: fields,
  NewProductForm: { name: fields.name, price: fields.price, stock: 100 },
  ProductPatch: { price: '1.60', lowStockAt: 10 },
  Product: product,
  ProductBatch: {
    items: [
      { op: 'create', data: { name: 'Blue Bull 250 ml', price: '1.40' } },
      { op: 'create', data: { sku: fields.sku, name: 'Green Bull 250 ml', price: '1.60' } },
    ],
  },
  ProductBatchResult: {
    results: [
      { index: 0, status: 201, id: productId, product },
      {
        index: 1,
        status: 409,
        problem: {
          type: '/problems/duplicate',
          title: 'Already exists',
          status: 409,
          code: 'duplicate',
          detail: 'another product has this SKU',
          errors: [{ pointer: '/sku', code: 'taken', message: 'belongs to another product' }],
        },
      },
    ],
    counts: { succeeded: 1, failed: 1 },
  },
  ProductPhoto: { mediaId },
  NewStockMovement: { delta: 100, reason: 'delivery 2026-117' },
  StockMovement: {
    id: '0190a5c4-6f00-7000-8000-000000000030',
    productId,
    delta: 100,
    stockAfter: 200,
    kind: 'manual',
    reason: 'delivery 2026-117',
    orderId: null,
    createdAt: exampleStamps.createdAt,
    createdBy: actor,
  },
  // Without products and a customer, so that it can be sent to any installation.
  NewOrder: { lines: [line], currency: 'EUR', expectedTotal: '4.90', note: 'Ring twice', metadata: { channel: 'web' } },
  OrderPatch: { note: 'Leave it at the door' },
  Order: order,
  OrderBatch: { items: [{ op: 'fulfil', key: 'ORD-000123', idBy: 'number' }] },
  OrderBatchResult: {
    results: [{ index: 0, status: 200, id: orderId, order }],
    counts: { succeeded: 1, failed: 0 },
  },
  OrderSummary: {
    interval: 'day',
    timeZone: 'Africa/Nairobi',
    from: '2026-11-20T00:00:00.000Z',
    to: '2026-11-21T00:00:00.000Z',
    data: [{ start: '2026-11-20T00:00:00.000Z', currency: 'EUR', orders: 12, revenue: '345.60' }],
  },
  Notification: notification,
  NotificationWithText: { ...notification, subject: null, text: 'Ana, thank you for your order ***: KES ***. Duka' },
  DeliveryReport: { id: 'ATXid_1', status: 'Success', phoneNumber: '+254711000111' },
}
