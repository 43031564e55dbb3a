/** What others share, and what they have put into one's own collections. */

import type { DepositInfo, GrantInfo } from "@recrypt-service/sdk";
import type { JSX } from "preact";

import { Button, Empty, Failure, Loading, Notice, Panel, announce } from "../parts/basics.js";
import { Person, useName } from "../parts/identity.js";
import { useAccount } from "../state/model.js";
import { useStore } from "../state/store.js";
import { useLoaded, useWork } from "../state/work.js";
import { momentOf, t } from "../texts/index.js";
import { newestOf, termsOf } from "./terms.js";

/** As many grants as are read at once. */
const LIMIT = 200;

export function Received(): JSX.Element {
  const account = useAccount();
  const changes = useStore(account.changes);
  const loaded = useLoaded((signal) => account.session.grants({ limit: LIMIT, signal }), [changes]);
  const received = newestOf(loaded.value?.received ?? []).filter((g) => g.status !== "replaced");
  return (
    <>
      <Panel title={t.sharing.received} icon="people">
        <Failure error={loaded.error} />
        {loaded.value === undefined && loaded.error === undefined && <Loading />}
        {loaded.value !== undefined && loaded.value.unverified.length > 0 && <Notice kind="bad">{t.sharing.unverified}</Notice>}
        {loaded.value !== undefined && (received.length === 0 ? <Empty icon="people">{t.sharing.receivedEmpty}</Empty>
          : <ul class="list">{received.map((g) => <ReceivedItem key={g.id} grant={g} />)}</ul>)}
      </Panel>
      <Deposits />
    </>
  );
}

function ReceivedItem({ grant }: { grant: GrantInfo }): JSX.Element {
  const account = useAccount();
  const ask = useWork(({ signal }) => account.session.requestAccess(grant.owner, { signal }));
  const opens = ask.result?.find((p) => p.collection === grant.collection)?.opens ?? grant.opens;
  return (
    <li class="item item-column">
      <div class="item-line">
        <Person id={grant.owner} note={termsOf(grant)} />
        {grant.kind === "pending" && opens === undefined && <Button onClick={() => { void ask.run(); }} busy={ask.busy}>{t.sharing.ask}</Button>}
      </div>
      {opens !== undefined && opens > Date.now() && <Notice>{t.sharing.asked(momentOf(opens))}</Notice>}
      <Failure error={ask.error} />
    </li>
  );
}

/** What waits to be accepted; nothing is said if there is nothing. */
function Deposits(): JSX.Element | null {
  const account = useAccount();
  const changes = useStore(account.changes);
  const loaded = useLoaded((signal) => account.session.deposits({ signal }), [changes]);
  if (loaded.value === undefined || loaded.value.length === 0) return null;
  return (
    <Panel title={t.sharing.deposits} icon="clock">
      <ul class="list">{loaded.value.map((d) => <DepositItem key={d.collection + d.author} deposit={d} onDone={loaded.again} />)}</ul>
    </Panel>
  );
}

function DepositItem({ deposit, onDone }: { deposit: DepositInfo; onDone: () => void }): JSX.Element {
  const account = useAccount();
  const name = useName();
  const decide = useWork(async ({ signal }, accept: boolean) => {
    if (accept) await account.session.acceptAuthor(deposit.collection, deposit.author, { signal });
    else await account.session.refuseAuthor(deposit.collection, deposit.author, { signal });
    announce(t.common.done);
    onDone();
  });
  return (
    <li class="item item-column">
      <div class="item-line">
        <Person id={deposit.author} note={t.sharing.depositsText(name(deposit.author), deposit.count)} />
        <div class="item-actions">
          <Button kind="primary" busy={decide.busy} onClick={() => { void decide.run(true); }}>{t.sharing.accept}</Button>
          <Button onClick={() => { void decide.run(false); }}>{t.sharing.refuse}</Button>
        </div>
      </div>
      <Failure error={decide.error} />
    </li>
  );
}
