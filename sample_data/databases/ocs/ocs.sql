-- MySQL dump 10.13  Distrib 5.7.25, for Linux (x86_64)
--
-- Host: 192.0.2.11    Database: ocs

/*!40101 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;

DROP TABLE IF EXISTS `all_agent`;
CREATE TABLE `all_agent` (
  `ip` text DEFAULT NULL,
  `port` text DEFAULT NULL,
  `identity` text DEFAULT NULL,
  `version` text DEFAULT NULL,
  `os` text DEFAULT NULL,
  `architecture` text DEFAULT NULL,
  `zone` text DEFAULT NULL,
  `mysql_port` text DEFAULT NULL,
  `rpc_port` text DEFAULT NULL,
  `home_path` text DEFAULT NULL,
  `public_key` text DEFAULT NULL,
  PRIMARY KEY (`ip`)
);
LOCK TABLES `all_agent` WRITE;
INSERT INTO `all_agent` VALUES ('192.0.2.11',2886,'CLUSTER AGENT','4.5.0.0-1','linux','x86_64','zone1',2881,2882,'/opt/oceanbase','private-key-of-the-agent=='),('192.0.2.12',2886,'CLUSTER AGENT','4.5.0.0-1','linux','x86_64','zone2',2881,2882,'/opt/oceanbase','private-key-of-the-agent==');
UNLOCK TABLES;

DROP TABLE IF EXISTS `cluster_status`;
CREATE TABLE `cluster_status` (
  `id` bigint(20) DEFAULT NULL,
  `status` text DEFAULT NULL,
  PRIMARY KEY (`id`)
);
LOCK TABLES `cluster_status` WRITE;
INSERT INTO `cluster_status` VALUES (1,1);
UNLOCK TABLES;

DROP TABLE IF EXISTS `dag_instance`;
CREATE TABLE `dag_instance` (
  `id` bigint(20) DEFAULT NULL,
  `name` text DEFAULT NULL,
  `type` text DEFAULT NULL,
  `stage` text DEFAULT NULL,
  `max_stage` text DEFAULT NULL,
  `state` text DEFAULT NULL,
  `executer_agent_ip` text DEFAULT NULL,
  `executer_agent_port` text DEFAULT NULL,
  `is_maintenance` text DEFAULT NULL,
  `maintenance_type` text DEFAULT NULL,
  `maintenance_key` text DEFAULT NULL,
  `is_finished` text DEFAULT NULL,
  `operator` text DEFAULT NULL,
  `start_time` text DEFAULT NULL,
  `end_time` text DEFAULT NULL,
  `gmt_create` text DEFAULT NULL,
  `gmt_modify` text DEFAULT NULL,
  PRIMARY KEY (`id`)
);
LOCK TABLES `dag_instance` WRITE;
INSERT INTO `dag_instance` VALUES (302,'Create tenant ledger','',5,5,5,'',0,1,3,'ledger',1,1,'2026-03-03 02:40:52.027535','2026-03-03 02:41:07.386685','2026-03-03 02:30:00','2026-03-03 02:41:07');
UNLOCK TABLES;

DROP TABLE IF EXISTS `node_instance`;
CREATE TABLE `node_instance` (
  `id` bigint(20) DEFAULT NULL,
  `name` text DEFAULT NULL,
  `dag_id` text DEFAULT NULL,
  `dag_stage` text DEFAULT NULL,
  `struct_name` text DEFAULT NULL,
  `type` text DEFAULT NULL,
  `state` text DEFAULT NULL,
  `max_stage` text DEFAULT NULL,
  `executer_agent_ip` text DEFAULT NULL,
  `executer_agent_port` text DEFAULT NULL,
  `operator` text DEFAULT NULL,
  `start_time` text DEFAULT NULL,
  `end_time` text DEFAULT NULL,
  `gmt_create` text DEFAULT NULL,
  `gmt_modify` text DEFAULT NULL,
  PRIMARY KEY (`id`)
);
LOCK TABLES `node_instance` WRITE;
INSERT INTO `node_instance` VALUES (302,'Create tenant',302,1,'SomeTask','normal',5,1,'',0,1,'2026-03-03 02:30:00.152652','2026-03-03 02:30:06.312343','2026-03-03 02:30:00','2026-03-03 02:30:06'),(303,'Modify tenant whitelist',302,2,'SomeTask','normal',5,1,'',0,1,'2026-03-03 02:30:07.333875','2026-03-03 02:30:08.365469','2026-03-03 02:30:00','2026-03-03 02:30:08'),(304,'Set tenant variables',302,3,'SomeTask','parallel',5,2,'',0,2,'2026-03-03 02:40:52.042261','2026-03-03 02:40:55.076347','2026-03-03 02:30:00','2026-03-03 02:40:55'),(305,'Import script for tenant',302,4,'SomeTask','parallel',5,2,'',0,1,'2026-03-03 02:40:56.100189','2026-03-03 02:41:05.354091','2026-03-03 02:30:00','2026-03-03 02:41:05'),(306,'Set root password',302,5,'SomeTask','normal',5,1,'',0,1,'2026-03-03 02:41:06.372802','2026-03-03 02:41:07.384288','2026-03-03 02:30:00','2026-03-03 02:41:07');
UNLOCK TABLES;

DROP TABLE IF EXISTS `subtask_instance`;
CREATE TABLE `subtask_instance` (
  `id` bigint(20) DEFAULT NULL,
  `node_id` text DEFAULT NULL,
  `name` text DEFAULT NULL,
  `struct_name` text DEFAULT NULL,
  `executer_agent_ip` text DEFAULT NULL,
  `executer_agent_port` text DEFAULT NULL,
  `execute_times` text DEFAULT NULL,
  `can_cancel` text DEFAULT NULL,
  `can_continue` text DEFAULT NULL,
  `can_pass` text DEFAULT NULL,
  `can_retry` text DEFAULT NULL,
  `can_rollback` text DEFAULT NULL,
  `state` text DEFAULT NULL,
  `operator` text DEFAULT NULL,
  `start_time` text DEFAULT NULL,
  `end_time` text DEFAULT NULL,
  `gmt_create` text DEFAULT NULL,
  `gmt_modify` text DEFAULT NULL,
  PRIMARY KEY (`id`)
);
LOCK TABLES `subtask_instance` WRITE;
INSERT INTO `subtask_instance` VALUES (302,302,'Create tenant','SomeTask','192.0.2.11',2886,1,1,1,1,1,1,5,1,'2026-03-03 02:30:00.173734','2026-03-03 02:30:06.069218','2026-03-03 02:30:00','2026-03-03 02:30:06'),(303,303,'Modify tenant whitelist','SomeTask','192.0.2.11',2886,1,1,1,1,1,1,5,1,'2026-03-03 02:30:07.356285','2026-03-03 02:30:07.661277','2026-03-03 02:30:00','2026-03-03 02:30:07'),(304,304,'Set tenant variables','SomeTask','192.0.2.11',2886,1,1,1,1,1,1,5,1,'2026-03-03 02:30:09.402282','2026-03-03 02:30:10.574767','2026-03-03 02:30:00','2026-03-03 02:30:10'),(305,304,'Set tenant variables','SomeTask','192.0.2.12',2886,3,1,1,1,1,1,5,1,'2026-03-03 02:40:53.071474','2026-03-03 02:40:54.299072','2026-03-03 02:30:00','2026-03-03 02:40:54'),(306,305,'Import script for tenant','SomeTask','192.0.2.11',2886,1,1,1,1,1,1,5,1,'2026-03-03 02:40:56.124960','2026-03-03 02:41:05.135046','2026-03-03 02:30:00','2026-03-03 02:41:05'),(307,305,'Import script for tenant','SomeTask','192.0.2.12',2886,1,1,1,1,1,1,5,1,'2026-03-03 02:40:56.137374','2026-03-03 02:41:04.995710','2026-03-03 02:30:00','2026-03-03 02:41:04'),(308,306,'Set root password','SomeTask','192.0.2.11',2886,1,1,1,1,1,1,5,1,'2026-03-03 02:41:06.395892','2026-03-03 02:41:06.593187','2026-03-03 02:30:00','2026-03-03 02:41:06');
UNLOCK TABLES;

DROP TABLE IF EXISTS `sub_task_log`;
CREATE TABLE `sub_task_log` (
  `id` bigint(20) DEFAULT NULL,
  `sub_task_id` text DEFAULT NULL,
  `execute_times` text DEFAULT NULL,
  `log_content` text DEFAULT NULL,
  `create_time` text DEFAULT NULL,
  `update_time` text DEFAULT NULL,
  PRIMARY KEY (`id`)
);
LOCK TABLES `sub_task_log` WRITE;
INSERT INTO `sub_task_log` VALUES (1,302,1,'Create tenant of ledger','2026-03-03 02:30:06','2026-03-03 02:30:06'),(2,303,1,'Modify tenant whitelist of ledger','2026-03-03 02:30:07','2026-03-03 02:30:07'),(3,304,1,'Set tenant variables of ledger','2026-03-03 02:30:10','2026-03-03 02:30:10'),(4,305,1,'Set tenant variables of ledger','2026-03-03 02:30:10','2026-03-03 02:30:10'),(5,305,1,'ERROR: [MySQL.Error]: Error 4012 (HY000): Timeout, query has reached the maximum query timeout: 10000000(us)','2026-03-03 02:30:10','2026-03-03 02:30:10'),(6,305,2,'Rolling back...','2026-03-03 02:40:52','2026-03-03 02:40:52'),(7,305,3,'Set tenant variables of ledger','2026-03-03 02:40:54','2026-03-03 02:40:54'),(8,307,1,'Import script for tenant of ledger','2026-03-03 02:41:04','2026-03-03 02:41:04'),(9,306,1,'Import script for tenant of ledger','2026-03-03 02:41:05','2026-03-03 02:41:05'),(10,308,1,'Set root password of ledger','2026-03-03 02:41:06','2026-03-03 02:41:06');
UNLOCK TABLES;

DROP TABLE IF EXISTS `partial_maintenance`;
CREATE TABLE `partial_maintenance` (
  `id` bigint(20) DEFAULT NULL,
  `lock_type` text DEFAULT NULL,
  `lock_name` text DEFAULT NULL,
  `dag_id` text DEFAULT NULL,
  `count` text DEFAULT NULL,
  `gmt_locked` text DEFAULT NULL,
  `gmt_create` text DEFAULT NULL,
  `gmt_modify` text DEFAULT NULL,
  PRIMARY KEY (`id`)
);
LOCK TABLES `partial_maintenance` WRITE;
INSERT INTO `partial_maintenance` VALUES (1,3,'ledger',302,1,'1970-01-01 00:00:00','2026-03-03 02:30:00','2026-03-03 02:30:00');
UNLOCK TABLES;

DROP TABLE IF EXISTS `task_maintainer`;
CREATE TABLE `task_maintainer` (
  `id` bigint(20) DEFAULT NULL,
  `agent_ip` text DEFAULT NULL,
  `agent_port` text DEFAULT NULL,
  `counter` text DEFAULT NULL,
  `agent_time` text DEFAULT NULL,
  `active_time` text DEFAULT NULL,
  PRIMARY KEY (`id`)
);
LOCK TABLES `task_maintainer` WRITE;
INSERT INTO `task_maintainer` VALUES (1,'192.0.2.11',2886,7,1772505967,'2026-03-03 02:46:07');
UNLOCK TABLES;

DROP TABLE IF EXISTS `ocs_config`;
CREATE TABLE `ocs_config` (
  `name` text DEFAULT NULL,
  `value` text DEFAULT NULL,
  PRIMARY KEY (`name`)
);
LOCK TABLES `ocs_config` WRITE;
INSERT INTO `ocs_config` VALUES ('rootPwd','cipher-of-the-root-password==');
UNLOCK TABLES;
-- Dump completed on 2026-03-03  0:00:00
