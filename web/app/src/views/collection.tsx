/** One collection: who reads it, whom to let, and taking it back. */

import type { CollectionInfo, GrantInfo, RevokeInfo } from "@recrypt-service/sdk";
import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { Button, Dialog, Empty, Failure, Loading, Notice, Page, Panel, announce } from "../parts/basics.js";
import { CheckField, Form, SelectField } from "../parts/fields.js";
import { Icon } from "../parts/icon.js";
import { Facts, Person, useName } from "../parts/identity.js";
import { useAccount } from "../state/model.js";
import { href } from "../state/route.js";
import { useStore } from "../state/store.js";
import { useLoaded, useWork } from "../state/work.js";
import { dayOf, momentOf, shortId, t } from "../texts/index.js";
import { titleOf } from "./documents.js";
import { expiryChoices, expiryOf, newestOf, termsOf, waitChoices, waitOf } from "./terms.js";

/** The collection and its readers; the default one is made by the first grant. */
interface Found {
  readonly collection: CollectionInfo | undefined;
  readonly readers: readonly GrantInfo[];
}

export function Collection({ id, person }: { id: string; person?: string }): JSX.Element {
  const account = useAccount();
  const changes = useStore(account.changes);
  const loaded = useLoaded<Found>(async (signal) => {
    const collection = (await account.collections(signal)).find((c) => (id === "default" ? c.default : c.id === id));
    return { collection, readers: collection === undefined ? [] : newestOf(await account.session.readers(collection.id, { signal })) };
  }, [id, changes]);
  const found = loaded.value;
  return (
    <Page title={found?.collection === undefined ? t.sharing.default : titleOf(found.collection)} back={{ href: href("sharing"), label: t.sharing.title }}>
      <Failure error={loaded.error} />
      {found?.collection?.closed === true && <Notice kind="warn">{t.sharing.closed}</Notice>}
      <Readers found={found} failed={loaded.error !== undefined} onChange={loaded.again} />
      {found?.collection?.link !== true && <Grant key={person} collection={id} person={person ?? ""} onChange={loaded.again} />}
      {found?.collection !== undefined && (
        <p class="soft small">{t.sharing.epoch(found.collection.epoch)} · {found.collection.suite} · {t.sharing.strength[found.collection.suite]}</p>
      )}
    </Page>
  );
}

function Readers({ found, failed, onChange }: { found: Found | undefined; failed: boolean; onChange: () => void }): JSX.Element {
  const [revoked, setRevoked] = useState<{ receipt: RevokeInfo; reader: string }>();
  const readers = found?.readers ?? [];
  return (
    <Panel title={t.sharing.readersTitle} icon="people">
      {found === undefined && !failed && <Loading />}
      {found !== undefined && (readers.length === 0 ? <Empty icon="person">{t.sharing.readersEmpty}</Empty> : (
        <ul class="list">
          {readers.map((g) => <Reader key={g.id} grant={g} link={found.collection?.link === true} onRevoked={(receipt) => { setRevoked({ receipt, reader: g.reader }); onChange(); }} onChange={onChange} />)}
        </ul>
      ))}
      {revoked !== undefined && <Receipt {...revoked} />}
    </Panel>
  );
}

function Reader({ grant, link, onRevoked, onChange }: { grant: GrantInfo; link: boolean; onRevoked: (receipt: RevokeInfo) => void; onChange: () => void }): JSX.Element {
  const name = useName();
  const [asking, setAsking] = useState(false);
  const who = link ? t.sharing.linkReader : name(grant.reader);
  return (
    <li class="item item-column">
      <div class="item-line">
        {link ? <span class="person"><span class="item-icon"><Icon name="link" /></span><span class="person-words"><span class="person-name">{who}</span><span class="soft">{termsOf(grant)}</span></span></span>
          : <Person id={grant.reader} note={termsOf(grant)} />}
        <Button kind="danger" onClick={() => { setAsking(true); }} aria-label={`${t.sharing.revoke}: ${who}`}>{t.sharing.revoke}</Button>
      </div>
      {grant.opens !== undefined && grant.opens > Date.now() && <Asked grant={grant} opens={grant.opens} who={who} onChange={onChange} />}
      {grant.status === "suspended" && <Suspended reader={grant.reader} who={who} />}
      {asking && <Revoke grant={grant} who={who} onRevoked={onRevoked} onDone={() => { setAsking(false); }} />}
    </li>
  );
}

/** The reader of a pending grant has asked: the only time to say no. */
function Asked({ grant, opens, who, onChange }: { grant: GrantInfo; opens: number; who: string; onChange: () => void }): JSX.Element {
  const account = useAccount();
  const veto = useWork(async ({ signal }) => {
    await account.session.veto(grant.reader, { signal });
    announce(t.common.done);
    onChange();
  });
  return (
    <Notice kind="warn">
      <p>{t.sharing.asks(who, momentOf(opens))}</p>
      <div class="row"><Button busy={veto.busy} onClick={() => { if (!veto.busy) void veto.run(); }} aria-label={`${t.sharing.veto}: ${who}`}>{t.sharing.veto}</Button></div>
      <Failure error={veto.error} />
    </Notice>
  );
}

/** The reader's keys have changed since the grant: what there is to do about it. */
function Suspended({ reader, who }: { reader: string; who: string }): JSX.Element {
  const account = useAccount();
  const person = useLoaded((signal) => account.session.lookUp(reader, { signal }), [reader]);
  if (person.value?.changed === false) return <Notice>{t.sharing.suspendedAgain(who)}</Notice>;
  return <Notice kind="warn">{t.sharing.suspended(who)} <a href={href(account.nickname(reader) === undefined ? "add" : "people", reader)}>{t.sharing.compare}</a></Notice>;
}

function Revoke({ grant, who, onRevoked, onDone }: { grant: GrantInfo; who: string; onRevoked: (receipt: RevokeInfo) => void; onDone: () => void }): JSX.Element {
  const account = useAccount();
  const revoke = useWork(async () => {
    // It is not ended with the dialog: a revocation that was begun is to be finished.
    const receipt = await account.session.revokeAccess(grant.reader, { collection: grant.collection });
    announce(t.sharing.receiptText(who));
    onRevoked(receipt);
    onDone();
  });
  return (
    <Dialog title={t.sharing.revokeTitle(who)} onClose={() => { if (!revoke.busy) onDone(); }}>
      <p>{t.sharing.revokeText}</p>
      <Failure error={revoke.error} />
      <div class="row">
        <Button kind="danger" busy={revoke.busy} onClick={() => { if (!revoke.busy) void revoke.run(); }}>{revoke.busy ? t.sharing.revokeBusy : t.sharing.revokeGo}</Button>
        <Button kind="quiet" disabled={revoke.busy} onClick={onDone}>{t.common.cancel}</Button>
      </div>
    </Dialog>
  );
}

/** What the server has signed. */
function Receipt({ receipt, reader }: { receipt: RevokeInfo; reader: string }): JSX.Element {
  const name = useName();
  const facts = t.sharing.receiptFacts;
  return (
    <Notice kind="good" title={t.sharing.receiptText(name(reader))}>
      <Facts rows={[
        [facts.when, momentOf(receipt.time)],
        [facts.server, <span class="mono" key="server">{shortId(receipt.server)}</span>],
        [facts.destroyed, String(receipt.destroyed)],
        [facts.epoch, String(receipt.epoch)],
        [facts.remaining, String(receipt.remaining)],
      ]} />
    </Notice>
  );
}

function Grant({ collection, person, onChange }: { collection: string; person: string; onChange: () => void }): JSX.Element {
  const account = useAccount();
  const name = useName();
  const contacts = useStore(account.contacts);
  const [reader, setReader] = useState(person);
  const [until, setUntil] = useState("30");
  const [wait, setWait] = useState("");
  const [fromNow, setFromNow] = useState(false);
  const chosen = reader === "" ? (contacts[0]?.id ?? "") : reader;
  const said = (made: GrantInfo): string => (made.kind === "pending" ? t.sharing.grantedWaiting : t.sharing.granted)(name(made.reader));
  const grant = useWork(async (watch) => {
    const made = await account.session.grantAccess(chosen, { ...watch, ...expiryOf(until), ...waitOf(wait), ...(collection !== "default" && { collection }), ...(fromNow && { fromNow }) });
    announce(said(made));
    onChange();
    return made;
  });
  return (
    <Panel title={t.sharing.grant} icon="plus">
      {contacts.length === 0 ? <Empty icon="people"><a href={href("people")}>{t.sharing.personEmpty}</a></Empty> : (
        <Form label={t.sharing.grant} onSubmit={() => { if (chosen !== "" && !grant.busy) void grant.run(); }}>
          <div class="pair">
            <SelectField label={t.sharing.person} value={chosen} onValue={(v) => { setReader(v); grant.reset(); }} choices={contacts.map((c) => ({ value: c.id, label: c.nickname }))} />
            <SelectField label={t.sharing.until} value={until} onValue={setUntil} choices={expiryChoices()} />
            <SelectField label={t.sharing.wait} value={wait} onValue={setWait} choices={waitChoices()} hint={t.sharing.waitHint} />
          </div>
          <CheckField label={t.sharing.fromNow} hint={t.sharing.fromNowHint} checked={fromNow} onChecked={setFromNow} />
          <Failure error={grant.error} />
          <div class="row"><Button kind="primary" type="submit" busy={grant.busy}>{grant.busy ? t.sharing.grantBusy : t.sharing.grantGo}</Button></div>
          {grant.result !== undefined && (
            <Notice kind="good" title={said(grant.result)}>{grant.result.expires === undefined ? t.sharing.noEnd : t.sharing.untilDay(dayOf(grant.result.expires))}</Notice>
          )}
        </Form>
      )}
      <details class="limits" open>
        <summary><Icon name="info" />{t.sharing.means}</summary>
        <ul>{t.sharing.meansText.map((line) => <li key={line}>{line}</li>)}</ul>
      </details>
    </Panel>
  );
}
