/** What others share, and what they have put into one's own collections. */

import type { DepositInfo, GrantInfo } from "@recrypt-service/sdk";
import type { JSX } from "preact";
import { useState } from "preact/hooks";

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
          : <ul class="list">{received.map((g) => <ReceivedItem key={g.id} grant={g} onAsked={loaded.again} />)}</ul>)}
      </Panel>
      <Deposits />
    </>
  );
}

function ReceivedItem({ grant, onAsked }: { grant: GrantInfo; onAsked: () => void }): JSX.Element {
  const account = useAccount();
  const { opens } = grant;
  const ask = useWork(async ({ signal }) => {
    await account.session.requestAccess(grant.owner, { signal });
    onAsked(); // what the server says from now on counts: the owner may say no
  });
  return (
    <li class="item item-column">
      <div class="item-line">
        <Person id={grant.owner} note={termsOf(grant)} />
        {grant.status === "waiting" && opens === undefined && <Button icon="clock" onClick={() => { if (!ask.busy) void ask.run(); }} busy={ask.busy}>{t.sharing.ask}</Button>}
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
    <Panel title={t.sharing.deposits} text={t.sharing.depositsMeans} icon="clock">
      <ul class="list">{loaded.value.map((d) => <DepositItem key={d.collection + d.author} deposit={d} onDone={loaded.again} />)}</ul>
    </Panel>
  );
}

function DepositItem({ deposit, onDone }: { deposit: DepositInfo; onDone: () => void }): JSX.Element {
  const account = useAccount();
  const who = useName()(deposit.author);
  const [accepting, setAccepting] = useState(false);
  const decide = useWork(async ({ signal }, accept: boolean) => {
    setAccepting(accept);
    if (accept) await account.session.acceptAuthor(deposit.collection, deposit.author, { signal });
    else await account.session.refuseAuthor(deposit.collection, deposit.author, { signal });
    announce(t.common.done);
    onDone();
  });
  const put = t.sharing.depositsText(deposit.title === "" ? t.sharing.default : deposit.title, deposit.count);
  const choose = (accept: boolean): void => { if (!decide.busy) void decide.run(accept); };
  return (
    <li class="item item-column">
      <div class="item-line">
        <Person id={deposit.author} note={account.nickname(deposit.author) === undefined ? `${put} · ${t.common.unknown}` : put} />
        <div class="item-actions">
          <Button kind="primary" busy={decide.busy && accepting} onClick={() => { choose(true); }} aria-label={`${t.sharing.accept}: ${who}`}>{t.sharing.accept}</Button>
          <Button busy={decide.busy && !accepting} onClick={() => { choose(false); }} aria-label={`${t.sharing.refuse}: ${who}`}>{t.sharing.refuse}</Button>
        </div>
      </div>
      <Failure error={decide.error} />
    </li>
  );
}
