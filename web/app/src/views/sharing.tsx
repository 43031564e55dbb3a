/** Sharing: one's own collections, links, and what others share. */

import type { CollectionInfo, LinkInfo } from "@recrypt-service/sdk";
import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { Button, Dialog, Failure, Loading, Notice, Page, Panel, announce } from "../parts/basics.js";
import { Form, SecretField, SelectField, TextField } from "../parts/fields.js";
import { Icon } from "../parts/icon.js";
import { Copyable } from "../parts/identity.js";
import { useAccount } from "../state/model.js";
import { href } from "../state/route.js";
import { useStore } from "../state/store.js";
import { useLoaded, useWork } from "../state/work.js";
import { t } from "../texts/index.js";
import { titleOf } from "./documents.js";
import { Received } from "./received.js";
import { expiryChoices, expiryOf } from "./terms.js";

/** Stands for the default collection until it is made. */
const unmade = { id: "default", title: "", default: true, readers: 0, link: false } as const;

export function Sharing(): JSX.Element {
  const account = useAccount();
  const changes = useStore(account.changes);
  const loaded = useLoaded((signal) => account.collections(signal), [changes]);
  const [asked, setAsked] = useState<"collection" | "link">();
  const own = loaded.value?.filter((c) => !c.link) ?? [];
  const links = loaded.value?.filter((c) => c.link) ?? [];
  const close = (): void => { setAsked(undefined); loaded.again(); };
  return (
    <Page title={t.sharing.title}>
      <Panel title={t.sharing.own} text={t.sharing.ownText} icon="sharing"
        action={<Button icon="plus" onClick={() => { setAsked("collection"); }}>{t.sharing.create}</Button>}>
        <Failure error={loaded.error} />
        {loaded.value === undefined ? loaded.error === undefined && <Loading /> : (
          <ul class="list">
            {!own.some((c) => c.default) && <Item of={unmade} />}
            {own.map((c) => <Item key={c.id} of={c} />)}
          </ul>
        )}
      </Panel>
      <Received />
      <Panel title={t.sharing.links} text={t.sharing.linksText} icon="link"
        action={<Button icon="plus" onClick={() => { setAsked("link"); }}>{t.sharing.linkCreate}</Button>}>
        {links.length > 0 && <ul class="list">{links.map((c) => <Item key={c.id} of={c} />)}</ul>}
      </Panel>
      {asked === "collection" && <NewCollection onDone={close} />}
      {asked === "link" && <NewLink onDone={close} />}
    </Page>
  );
}

function Item({ of }: { of: CollectionInfo | typeof unmade }): JSX.Element {
  return (
    <li class="item">
      <a class="item-link" href={href("sharing", of.default ? "default" : of.id)}>
        <span class="item-icon"><Icon name={of.link ? "link" : "open"} /></span>
        <span class="item-words">
          <span class="item-name cut">{titleOf(of)}</span>
          <span class="soft small">{of.link ? t.sharing.linkReader : t.sharing.readers(of.readers)}</span>
        </span>
        <Icon name="next" />
      </a>
    </li>
  );
}

function NewCollection({ onDone }: { onDone: () => void }): JSX.Element {
  const account = useAccount();
  const [title, setTitle] = useState("");
  const create = useWork(async ({ signal }) => {
    await account.session.createCollection(title.trim(), { signal });
    announce(t.common.done);
    onDone();
  });
  return (
    <Dialog title={t.sharing.create} onClose={onDone}>
      <Form label={t.sharing.create} onSubmit={() => { if (title.trim() !== "" && !create.busy) void create.run(); }}>
        <TextField label={t.sharing.createTitle} value={title} onValue={setTitle} hint={t.sharing.createHint} />
        <Failure error={create.error} />
        <div class="row">
          <Button kind="primary" type="submit" busy={create.busy}>{t.sharing.createGo}</Button>
          <Button kind="quiet" onClick={onDone}>{t.common.cancel}</Button>
        </div>
      </Form>
    </Dialog>
  );
}

function NewLink({ onDone }: { onDone: () => void }): JSX.Element {
  const account = useAccount();
  const [title, setTitle] = useState("");
  const [until, setUntil] = useState("30");
  const [uses, setUses] = useState("");
  const [passcode, setPasscode] = useState("");
  const create = useWork(({ signal }) => account.session.createLink({
    signal, ...(title.trim() !== "" && { title: title.trim() }), ...expiryOf(until), ...(/^[1-9]\d{0,5}$/.test(uses) && { uses: Number(uses) }), ...(passcode !== "" && { passcode }),
  }));
  return (
    <Dialog title={t.sharing.linkCreate} onClose={onDone}>
      {create.result !== undefined ? <MadeLink link={create.result} onDone={onDone} /> : (
        <Form label={t.sharing.linkCreate} onSubmit={() => { if (!create.busy) void create.run(); }}>
          <TextField label={t.sharing.createTitle} value={title} onValue={setTitle} hint={t.sharing.createHint} />
          <SelectField label={t.sharing.until} value={until} onValue={setUntil} choices={expiryChoices()} />
          <TextField label={t.sharing.linkUses} value={uses} onValue={(v) => { setUses(v.replace(/\D/g, "")); }} inputmode="numeric" placeholder={t.sharing.linkAny} />
          <SecretField label={`${t.sharing.linkPasscode} (${t.common.optional})`} value={passcode} onValue={setPasscode} hint={t.sharing.linkPasscodeHint} autocomplete="off" />
          <Failure error={create.error} />
          <div class="row">
            <Button kind="primary" type="submit" busy={create.busy}>{t.sharing.linkGo}</Button>
            <Button kind="quiet" onClick={onDone}>{t.common.cancel}</Button>
          </div>
        </Form>
      )}
    </Dialog>
  );
}

/** The only time a link is shown. */
function MadeLink({ link, onDone }: { link: LinkInfo; onDone: () => void }): JSX.Element {
  return (
    <>
      <Notice kind="warn">{t.sharing.linkOnce}</Notice>
      <Copyable label={t.sharing.linkMade} text={link.url} />
      <p class="soft">{t.sharing.linkPut(link.title)}</p>
      <div class="row"><Button kind="primary" onClick={onDone}>{t.common.done}</Button></div>
    </>
  );
}

