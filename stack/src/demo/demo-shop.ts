type DemoProduct = {
  sku: string
  name: string
  price: string
  stock: number
  lowStockAt?: number
  description?: string
}

/** Ten invented products. Prices are in the shop's currency. */
export const demoProducts: DemoProduct[] = [
  { sku: 'TEA-ASSAM-250', name: 'Assam tea, 250 g', price: '7.90', stock: 140, lowStockAt: 20 },
  { sku: 'TEA-MINT-100', name: 'Mint tea, 100 g', price: '4.50', stock: 85, lowStockAt: 15 },
  { sku: 'COF-HOUSE-500', name: 'House coffee, 500 g', price: '11.40', stock: 60, lowStockAt: 12 },
  { sku: 'COF-DECAF-250', name: 'Decaf coffee, 250 g', price: '6.80', stock: 9, lowStockAt: 10 },
  { sku: 'CUP-BLUE', name: 'Blue stoneware cup', price: '14.00', stock: 48 },
  { sku: 'CUP-SAND', name: 'Sand stoneware cup', price: '14.00', stock: 3, lowStockAt: 5 },
  { sku: 'POT-IRON-1L', name: 'Cast-iron teapot, 1 l', price: '62.50', stock: 17 },
  { sku: 'FILTER-100', name: 'Paper filters, 100 pieces', price: '3.20', stock: 400, lowStockAt: 50 },
  { sku: 'KETTLE-GOOSE', name: 'Gooseneck kettle', price: '89.00', stock: 12, description: '0.8 l, for all hobs' },
  { sku: 'GIFT-BOX', name: 'Gift box', price: '2.75', stock: 200 },
]

type DemoLine = { sku: string; quantity: number } | { description: string; unitPrice: string }
/** `customer` is the customer's number from 1, as in the `externalId` `demo-1`. `outcome` is done after the order is placed. */
type DemoOrder = { customer: number; lines: DemoLine[]; note?: string; outcome?: 'fulfil' | 'cancel' }

export const demoOrders: DemoOrder[] = [
  {
    customer: 1,
    lines: [
      { sku: 'TEA-ASSAM-250', quantity: 2 },
      { sku: 'CUP-BLUE', quantity: 2 },
    ],
    outcome: 'fulfil',
  },
  { customer: 7, lines: [{ sku: 'COF-HOUSE-500', quantity: 3 }], note: 'ground for filter', outcome: 'fulfil' },
  {
    customer: 5,
    lines: [
      { sku: 'POT-IRON-1L', quantity: 1 },
      { description: 'engraving "para Elena"', unitPrice: '9.00' },
    ],
  },
  {
    customer: 11,
    lines: [
      { sku: 'KETTLE-GOOSE', quantity: 1 },
      { sku: 'FILTER-100', quantity: 4 },
    ],
  },
  { customer: 2, lines: [{ sku: 'TEA-MINT-100', quantity: 24 }], outcome: 'fulfil' },
  { customer: 18, lines: [{ sku: 'COF-DECAF-250', quantity: 1 }] },
  { customer: 9, lines: [{ sku: 'GIFT-BOX', quantity: 10 }], outcome: 'cancel' },
  {
    customer: 20,
    lines: [
      { sku: 'CUP-BLUE', quantity: 4 },
      { sku: 'TEA-ASSAM-250', quantity: 1 },
      { sku: 'GIFT-BOX', quantity: 1 },
    ],
    note: 'please wrap',
  },
]
