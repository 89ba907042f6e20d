import { connectDb, type Db, newId } from '@clientele/platform/data/db'
import { primaryKey, required } from '@clientele/platform/data/model-attributes'
import { upsertAllIfNewer, upsertIfNewer } from '@clientele/platform/data/projection'
import { asOwner, type TestDatabase, testDatabase } from '@clientele/platform/testing/database'
import { DataTypes, type InferAttributes, type InferCreationAttributes, Model } from 'sequelize'

class Shop extends Model<InferAttributes<Shop>, InferCreationAttributes<Shop>> {
  declare id: string
  declare name: string | null
  declare isClosed: boolean
  declare version: number
}

let database: TestDatabase
let db: Db
let model: typeof Shop
const final = { final: (row: string) => `${row}.is_closed` }

beforeAll(async () => {
  database = await testDatabase({ schema: 'platform_test', migrations: new URL('./migrations/', import.meta.url) })
  db = await connectDb(database.config, 'platform_test')
  const columns = 'id uuid primary key, name text, is_closed boolean not null, version integer not null'
  await asOwner(database, `create table shops (${columns})`)
  class ConnectedShop extends Shop {}
  model = ConnectedShop.init(
    {
      id: primaryKey(DataTypes.UUID),
      name: DataTypes.TEXT,
      isClosed: { ...required(DataTypes.BOOLEAN), field: 'is_closed' },
      version: required(DataTypes.INTEGER),
    },
    { sequelize: db.sequelize, modelName: 'shop', tableName: 'shops', timestamps: false },
  )
})
afterAll(async () => {
  await db.close()
  await database.drop()
})

const row = (id: string, version: number, name: string | null = `name ${version}`, isClosed = false) =>
  ({ id, name, isClosed, version }) as InferAttributes<Shop>
const store = (...rows: InferAttributes<Shop>[]) => db.transaction((tx) => upsertAllIfNewer(model, rows, tx, final))
const stored = async (id: string) => (await model.findByPk(id, { raw: true })) as InferAttributes<Shop> | null

describe('A projection', () => {
  it('stores many rows by one statement, and returns the keys of those that were new or newer', async () => {
    const [known, unknown, newer] = [newId(), newId(), newId()]
    await store(row(known, 3), row(newer, 1))
    expect(await store(row(known, 2), row(unknown, 1, 'it\'s "new", {really}'), row(newer, 2, null))).toEqual(
      new Set([unknown, newer]),
    )
    expect(await stored(known)).toMatchObject({ name: 'name 3', version: 3 })
    expect(await stored(unknown)).toMatchObject({ name: 'it\'s "new", {really}', version: 1 })
    expect(await stored(newer)).toMatchObject({ name: null, version: 2 })
  })

  it('of several rows with one key the newest counts, in whichever order they come', async () => {
    const ids = [newId(), newId()] as const
    await store(row(ids[0], 1), row(ids[0], 3), row(ids[1], 3), row(ids[0], 2), row(ids[1], 1))
    expect((await stored(ids[0]))?.version).toBe(3)
    expect((await stored(ids[1]))?.version).toBe(3)
  })

  it('a final row is kept, whatever the versions of others', async () => {
    const [id, other] = [newId(), newId()]
    await store(row(id, 5), row(id, 4, null, true), row(id, 6))
    expect(await stored(id)).toMatchObject({ name: null, isClosed: true, version: 4 })
    expect(await store(row(id, 7))).toEqual(new Set())
    await store(row(other, 5))
    expect(await store(row(other, 4, null, true))).toEqual(new Set([other]))
    expect(await stored(other)).toMatchObject({ isClosed: true, version: 4 })
  })

  it('stores one row unless it is as old as the stored one', async () => {
    const id = newId()
    const storeOne = (version: number) => db.transaction((tx) => upsertIfNewer(model, row(id, version), tx, final))
    expect([await storeOne(1), await storeOne(1), await storeOne(2)]).toEqual([true, false, true])
    expect(await db.transaction((tx) => upsertAllIfNewer(model, [], tx, final))).toEqual(new Set())
  })
})
