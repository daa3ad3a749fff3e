import { plainToInstance } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsIn, IsOptional, IsString, validate, type ValidationError } from 'class-validator';
import * as fc from 'fast-check';
import { BulkGiftLineBody } from '../bodies/bulk-gift-line.body.js';
import { ChangeViewerDetailsBody } from '../bodies/change-viewer-details.body.js';
import { HistoryLineBody } from '../bodies/history-line.body.js';
import { OpenRoomBody } from '../bodies/open-room.body.js';
import { OpenWalletBody } from '../bodies/open-wallet.body.js';
import { PriceBody, PurchaseCoinsBody } from '../bodies/purchase-coins.body.js';
import { SendGiftBody } from '../bodies/send-gift.body.js';
import { compileTextValidator, compileValidator, UNKNOWN_FIELD_RULE } from './compiled-validator.js';
import { Nested, NumberFromText, type BodyClass } from './nested.decorator.js';
import { fieldError } from '@livegift/contracts';
import { IsId } from './rules.js';

/** Options and shapes that no body of today uses, so that tomorrow's may. */
class ElaborateBody {
  @IsArray()
  @ArrayMaxSize(2)
  @IsString({ each: true })
  tags!: string[];

  @Nested(() => PriceBody)
  prices!: PriceBody[];

  @IsOptional()
  @IsIn(['a', 'b'], { validateIf: (owner: ElaborateBody) => Array.isArray(owner.tags) })
  kind?: string;
}

const BODIES: readonly BodyClass[] = [
  OpenWalletBody,
  ChangeViewerDetailsBody,
  PurchaseCoinsBody,
  OpenRoomBody,
  SendGiftBody,
  BulkGiftLineBody,
  HistoryLineBody,
  ElaborateBody,
];

/** Likely values of each field, right ones and almost right ones. */
const LIKELY: Readonly<Record<string, readonly unknown[]>> = {
  viewerId: ['v-1', '', 'a b', 'x'.repeat(65), 'ü'],
  creatorId: ['c-1', 'c/1'],
  roomId: ['r-1', '..'],
  gift: ['rose', 'Rose!'],
  region: ['DE', 'ZZ', 'de', 'XX', 'DEU'],
  ageAssured: [true, false, 'true'],
  coins: [1, 1e9, 1e9 + 1, 0, -1, 1.5, '5', Infinity],
  quantity: [1, 999_999, 1_000_000, 0, '2'],
  price: [{ amountMinor: 499, currency: 'USD' }, { amountMinor: 1.5, currency: 'usd' }, { x: 1 }, [], [{}], [null]],
  provider: ['shop', 'import', 'Shop'],
  paymentId: ['p 1', 'p\n', 'x'.repeat(129)],
  title: ['A room', 'x'.repeat(201), '😀'.repeat(200), '😀'.repeat(201), '\ud800', '\0'],
  message: ['hello', 'x'.repeat(200)],
  sender: [{ name: 'Ann' }, { name: 'Ann', avatarUrl: 'https://a.example/b.png' }, { avatarUrl: 'http://a' }, [[{}]]],
  idempotencyKey: ['k', '', 'ü'],
  importId: ['i:1', 'i 1'],
  at: ['2016-07-03T10:00:00Z', '2016-02-30T10:00:00Z', '2016-07-03', 5],
  tags: [['a'], ['a', 1], ['a', 'b', 'c'], 'a'],
  prices: [[{ amountMinor: 1, currency: 'EUR' }], [{}, null, 7], [[{ amountMinor: 1 }]], {}],
  kind: ['a', 'c'],
};

/** Names that every object inherits: class-validator lets them pass, the compiled form does not (a case below). */
const hasInheritedName = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (Object.keys(value).some((name) => name in Object.prototype) || Object.values(value).some(hasInheritedName));

const junk = fc.oneof(
  fc.constantFrom<unknown[]>(null, undefined, 0, -0, '', [], {}, true, Number.MAX_VALUE),
  fc.jsonValue({ maxDepth: 2 }).filter((value) => !hasInheritedName(value)),
);

function bodies(bodyClass: BodyClass): fc.Arbitrary<Record<string, unknown>> {
  const instance = new bodyClass() as Record<string, unknown>;
  const names = Object.keys(LIKELY).filter((name) => name in instance || namesOf(bodyClass).has(name));
  const field = (name: string): fc.Arbitrary<unknown> =>
    fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...LIKELY[name]!) }, { weight: 1, arbitrary: junk });
  const known = fc.record(Object.fromEntries(names.map((name) => [name, field(name)])), { requiredKeys: [] });
  const unknown = fc.dictionary(fc.constantFrom('x', 'Coins', 'viewerid', 'zz'), junk, { maxKeys: 1 });
  return fc.tuple(known, unknown).map(([a, b]) => ({ ...a, ...b }));
}

function namesOf(bodyClass: BodyClass): Set<string> {
  const errors = compileValidator(bodyClass, 'b')({}) ?? [];
  const optional = ['quantity', 'message', 'sender', 'title', 'avatarUrl', 'kind', 'prices'];
  return new Set([...errors.map(({ path }) => path.slice(2)), ...optional]);
}

/** Only the fields that the class has are turned; unknown ones are left for class-validator to find. */
async function byClassValidator(bodyClass: BodyClass, value: Record<string, unknown>): Promise<string[]> {
  const instance = plainToInstance(bodyClass, value);
  const errors = await validate(instance, { whitelist: true, forbidNonWhitelisted: true });
  const flatten = (error: ValidationError, path: string): string[] => [
    ...Object.keys(error.constraints ?? {}).map(
      (rule) => `${path}.${error.property} ${rule === 'whitelistValidation' ? UNKNOWN_FIELD_RULE : rule}`,
    ),
    ...(error.children ?? []).flatMap((child) => flatten(child, `${path}.${error.property}`)),
  ];
  return errors.flatMap((error) => flatten(error, 'body')).sort();
}

describe('a compiled validator', () => {
  it.each(BODIES.map((bodyClass) => [bodyClass.name, bodyClass] as const))(
    'finds in %s exactly what class-validator finds',
    async (_, bodyClass) => {
      const compiled = compileValidator(bodyClass, 'body');
      await fc.assert(
        fc.asyncProperty(bodies(bodyClass), async (body) => {
          const found = (compiled(structuredClone(body)) ?? []).map(({ path, rule }) => `${path} ${rule}`).sort();
          expect(found).toEqual(await byClassValidator(bodyClass, structuredClone(body)));
        }),
        { numRuns: 400 },
      );
    },
  );

  it('takes a right body', () => {
    const validate = compileValidator(SendGiftBody, 'body');
    const sender = { name: 'Ann', avatarUrl: 'https://a.example/a.png' };
    expect(validate({ viewerId: 'v', gift: 'rose', quantity: 3, message: 'hi', sender })).toBeNull();
    expect(validate({ viewerId: 'v', gift: 'rose', quantity: null, message: null, sender: null })).toBeNull();
  });

  it('names the path of a nested field and of one it does not know', () => {
    const errors = compileValidator(SendGiftBody, 'body')({ viewerId: 'v', gift: 'rose', sender: { nam: 'x' }, y: 1 });
    expect(errors).toEqual([
      fieldError('body.y', 'unknownField'),
      fieldError('body.sender.nam', 'unknownField'),
      expect.objectContaining({ path: 'body.sender.name', rule: 'isName' }),
      { path: 'body.sender.name', rule: 'maxLength', message: 'sender.name must be at most 64 characters' },
    ]);
  });

  it.each([null, undefined, 'text', 5, true, [], [{}]])('refuses %j, which is no object', (value) => {
    expect(compileValidator(SendGiftBody, 'body')(value)).toEqual([fieldError('body', 'isObject')]);
  });

  it('refuses a field called __proto__, at the top and nested', () => {
    const body: unknown = JSON.parse(
      '{"viewerId":"v","gift":"rose","__proto__":{},"sender":{"name":"a","__proto__":1}}',
    );
    expect(compileValidator(SendGiftBody, 'body')(body)).toEqual([
      fieldError('body.__proto__', 'unknownField'),
      fieldError('body.sender.__proto__', 'unknownField'),
    ]);
  });

  it('refuses names that every object inherits, which class-validator lets pass', () => {
    const body: unknown = JSON.parse('{"viewerId":"v","gift":"rose","toString":1,"constructor":{"prototype":{}}}');
    expect(compileValidator(SendGiftBody, 'body')(body)).toEqual([
      fieldError('body.toString', 'unknownField'),
      fieldError('body.constructor', 'unknownField'),
    ]);
  });

  it('reads numbers from text where the class says so', () => {
    class Query {
      @NumberFromText()
      @IsIn([5])
      limit!: number;

      @IsId()
      id!: string;
    }
    const fields = { limit: '5', id: '5' };
    expect(compileTextValidator(Query, 'query')(fields)).toBeNull();
    expect(fields).toEqual({ limit: 5, id: '5' });
    expect(compileTextValidator(Query, 'query')({ limit: '5x', id: '5' })).toEqual([
      { path: 'query.limit', rule: 'isIn', message: expect.stringMatching(/^limit must be one of /) },
    ]);
  });
});
