/** One person: keys, safety number, nickname. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { Button, Failure, Loading, Notice, Page, Panel, announce } from "../parts/basics.js";
import { Form, TextField } from "../parts/fields.js";
import { Copyable, Digits } from "../parts/identity.js";
import { plainName } from "../state/files.js";
import { useAccount } from "../state/model.js";
import type { Contact } from "../state/notebook.js";
import { go, href } from "../state/route.js";
import { useLoaded, useWork } from "../state/work.js";
import { dayOf, t } from "../texts/index.js";
import { useContact, wrongName } from "./people.js";

export function PersonPage({ id }: { id: string }): JSX.Element {
  const contact = useContact(id);
  if (contact === undefined) return <Loading />;
  return (
    <Page title={contact.nickname} lead={t.people.since(dayOf(contact.added))} back={{ href: href("people"), label: t.people.title }}>
      <Safety contact={contact} />
      <Panel title={t.people.shares} text={t.people.sharesText(contact.nickname)} icon="sharing" action={<Button icon="next" onClick={() => { go("sharing", "default", contact.id); }}>{t.people.see}</Button>} />
      <Panel title={t.people.about} icon="person">
        <Copyable label={t.people.idOf(contact.nickname)} text={contact.id} />
        <Rename key={contact.nickname} contact={contact} />
      </Panel>
      <Forget contact={contact} />
    </Page>
  );
}

/** The safety number, and what follows from comparing it. */
function Safety({ contact }: { contact: Contact }): JSX.Element {
  const account = useAccount();
  const [differs, setDiffers] = useState(false);
  const loaded = useLoaded(async (signal) => {
    const person = await account.session.lookUp(contact.id, { signal });
    if (person.changed && contact.compared !== undefined) {
      // Other keys than these were compared: the list of people is not to say otherwise.
      await account.saveContact({ id: contact.id, nickname: contact.nickname, added: contact.added });
    }
    return { person, digits: await account.session.safetyNumber(contact.id, { signal }) };
  }, [contact.id]);
  const confirm = useWork(async ({ signal }) => {
    await account.session.confirm(contact.id, { signal });
    await account.saveContact({ ...contact, compared: loaded.value?.person.version ?? 1 });
    announce(t.people.confirmed);
    loaded.again();
    return loaded.value?.person.changed === true;
  });
  const version = loaded.value?.person.version;
  const compared = contact.compared !== undefined && contact.compared === version && loaded.value?.person.changed === false;
  return (
    <Panel title={t.people.safety} text={t.people.safetyText(contact.nickname)} icon="shield">
      <Failure error={loaded.error} />
      {loaded.value?.person.changed === true && <Notice kind="warn" title={t.people.changed}>{t.people.changedText(contact.nickname)}</Notice>}
      {loaded.value !== undefined ? <Digits digits={loaded.value.digits} /> : loaded.error === undefined && <div class="digits-space"><Loading /></div>}
      <Failure error={confirm.error} />
      {compared ? <Notice kind="good" title={t.people.confirmed}>{confirm.result === true ? <p>{t.people.confirmedChanged(contact.nickname)} <a href={href("sharing")}>{t.people.shares}</a></p> : undefined}</Notice> : (
        <div class="row">
          <Button kind="primary" icon="check" disabled={loaded.value === undefined} busy={confirm.busy} onClick={() => { setDiffers(false); void confirm.run(); }}>{t.people.match}</Button>
          <Button icon="close" disabled={loaded.value === undefined} onClick={() => { setDiffers(true); }}>{t.people.noMatch}</Button>
        </div>
      )}
      {differs && <Notice kind="bad">{t.people.noMatchText}</Notice>}
    </Panel>
  );
}

function Rename({ contact }: { contact: Contact }): JSX.Element {
  const account = useAccount();
  const [name, setName] = useState(contact.nickname);
  const wrong = wrongName(account.contacts.get(), contact.id, name);
  return (
    <Form label={t.people.rename} onSubmit={() => { if (wrong === undefined) void account.saveContact({ ...contact, nickname: plainName(name) }); }}>
      <div class="line">
        <TextField label={t.people.nickname} value={name} onValue={setName} wrong={wrong} />
        <Button type="submit">{t.common.save}</Button>
      </div>
    </Form>
  );
}

function Forget({ contact }: { contact: Contact }): JSX.Element {
  const account = useAccount();
  return (
    <Panel title={t.people.remove} text={t.people.removeText}
      action={<Button kind="danger" onClick={() => { void account.removeContact(contact.id); go("people"); }}>{t.common.remove}</Button>} />
  );
}
